"""Text that looks like a number: Hydra reads `forget.concept=1984` as one, the field it is for wants text."""

from collections.abc import Iterable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from unlearn_cli.config.overrides import OVERRIDE, elements
from unlearn_cli.config.settings import kind_of
from unlearn_cli.errors import InputError

TEXT = ("string_type", "path_type", "dataclass_type")
"""Pydantic's words for a value that is no text, no path and no prompt (which is read from a text)."""


def with_texts(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The configuration in which fields that take text have what was typed: of numbers, true, false and null.

    Args:
        config: a run's, composed.
        overrides: what was typed for it.
    """
    for override in overrides:
        found = OVERRIDE.fullmatch(override)
        if not found:
            continue
        key, typed = found[1].lstrip("+"), found[2].strip()
        value = OmegaConf.select(config, key, throw_on_missing=False)
        if _is_no_text(value) and "." in key and (wanted := _wanted(config, key)):
            OmegaConf.update(config, key, _as_text(value, typed, wanted))
    return config


def _is_no_text(value: Any) -> bool:
    """A number, true, false or null; a list that holds one."""
    values = value if OmegaConf.is_list(value) else [value]
    return any(element is None or isinstance(element, bool | int | float) for element in values)


def _wanted(config: DictConfig, key: str) -> list[int | None]:
    """Which elements of the value (None: the whole) are refused for being no text."""
    group, *path = key.split(".")
    try:
        node: Any = OmegaConf.to_container(config[group], resolve=True)
        kind_of(node.pop("_target_"), group)(**node)
    except ValidationError as error:
        return [*_places(error, path)]
    except (OmegaConfBaseException, InputError, KeyError, TypeError, AttributeError):
        pass  # whatever else is wrong with it is told when the run is read
    return []


def _places(error: ValidationError, path: list[str]) -> Iterable[int | None]:
    for fault in error.errors(include_url=False):
        above, below = fault["loc"][: len(path)], fault["loc"][len(path) :]
        if fault["type"] in TEXT and [*map(str, above)] == path:
            yield next((part for part in below if isinstance(part, int)), None)


def _as_text(value: Any, typed: str, wanted: list[int | None]) -> Any:
    if not OmegaConf.is_list(value):
        return typed
    texts = elements(typed[1:-1])
    return [
        text if i in wanted and not OmegaConf.is_config(old) else old
        for i, (old, text) in enumerate(zip(value, texts, strict=True))
    ]
