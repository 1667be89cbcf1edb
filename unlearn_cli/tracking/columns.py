"""The configuration keys by which a dashboard groups the seeds and tells the settings apart."""

import re
from collections.abc import Mapping
from typing import Any

from unlearn_cli.config.variants import forget_values, variant


def columns(
    determining: dict[str, Any], config: dict[str, Any], choices: Mapping[str, str], method: str
) -> dict[str, Any]:
    """What a run's configuration says on top of its settings.

    Args:
        determining: what the run's numbers depend on.
        choices: which option of each group was chosen (the groups' own keys hold the options' values).

    Returns:
        `variant`: equal for repetitions with other seeds; `setting`: data, model and forget set, equal for
        all methods that compete; `chosen`: the option of every group, with `method` for its method.
    """
    groups = {group: option for group, option in choices.items() if group.isidentifier()}  # not hydra/…
    return {
        "variant": variant(determining, method),
        "setting": setting(config, choices),
        "chosen": groups | {"method": method},
    }


def setting(config: dict[str, Any], choices: Mapping[str, str]) -> str:
    """For example `digits/resnet20/random fraction:0.1`: the forget set with its values, without its seed."""
    place = "/".join(choices[group] for group in ("data", "model", "forget"))
    return " ".join([place, *(f"{key}:{_plain(value)}" for key, value in forget_values(config).items())])


def _plain(value: Any) -> str:
    """Without the signs that a filter of a report cannot hold, not even between quotes."""
    text = "+".join(map(str, value)) if isinstance(value, list) else str(value)
    return re.sub(r"[\"'=<>\s\\]+", "-", text)
