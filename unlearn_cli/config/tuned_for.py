"""What a run's values were chosen for, where that is another setting than the run's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.config.catalogue import TUNED, VALUES
from unlearn_cli.config.nested import flat
from unlearn_cli.config.spelling import as_typed
from unlearn_cli.config.variants import unseeded
from unlearn_cli.errors import InputError

OF_SETTING = ("task", "data", "model", "train", "forget")
"""Groups of a configuration that values are tuned for."""


def setting(config: dict[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """The options chosen, and every value below them but the seeds, as JSON has them."""
    own = unseeded(config)
    chosen = {group: choices[group] for group in OF_SETTING if group in choices}
    found = chosen | dict(flat({group: own[group] for group in OF_SETTING}, "."))
    return dict(json.loads(json.dumps(found)))


def setting_of(record: Path) -> dict[str, Any]:
    """The one that a tuning's record (.json) tells.

    Raises:
        InputError: it is no record of a tuning.
    """
    try:
        return dict(json.loads(record.read_text(encoding="utf-8"))["setting"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{record} is no record of a tuning; give another folder") from error


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Keys of which they tell different things; of what another option brings along, the option alone."""
    keys = [key for key in before if key in now and before[key] != now[key]]
    return [key for key in keys if "." not in key or key.partition(".")[0] not in keys]


def tuned_for(config: dict[str, Any], choices: Mapping[str, str]) -> dict[str, Any]:
    """By key what the values of `tuned=` were chosen for and the run has otherwise; {} too where none tells.

    Args:
        config: the resolved configuration.
        choices: option by group.
    """
    if not config.get(TUNED) or not config.get("tuning") or VALUES not in choices:
        return {}
    record = Path(config[TUNED]).expanduser() / VALUES / f"{choices[VALUES]}.json"
    if not record.exists():
        return {}
    before = setting_of(record)
    return {key: before[key] for key in differing(before, setting(config, choices))}


def told(setting: Mapping[str, Any]) -> str:
    """`forget.fraction=0.1, model=resnet20`"""
    return ", ".join(f"{key}={as_typed(value)}" for key, value in setting.items())
