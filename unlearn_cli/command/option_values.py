"""The values below a key of a composed configuration, and what they follow."""

import re
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from unlearn_cli.config.describe import MANDATORY
from unlearn_cli.config.nested import flat

REFERENCE = re.compile(r"^\$\{([\w.]+)\}$")


def values_at(config: DictConfig, place: str) -> dict[str, Any]:
    """The values below a place; one that refers to another value is that value."""
    node = OmegaConf.select(config, place)
    return {str(key): _value(node, key) for key in node} if isinstance(node, DictConfig) else {}


def _value(node: DictConfig, key: Any) -> Any:
    own: Any = OmegaConf.to_container(node, resolve=False)
    if OmegaConf.is_missing(node, key):
        return MANDATORY
    if not OmegaConf.is_interpolation(node, key):
        value = node[key]
        return {str(k): _value(value, k) for k in value} if isinstance(value, DictConfig) else own[key]
    try:
        value = node[key]
    except OmegaConfBaseException:  # what it refers to is missing, or not there
        return own[key]
    return own[key] if isinstance(value, DictConfig | ListConfig) else value


def references_at(config: DictConfig, place: str) -> dict[str, str]:
    """By dotted key below a place the key that it follows, where it is no more than that: `${seed}`."""
    node = OmegaConf.select(config, place)
    own: Any = OmegaConf.to_container(node, resolve=False) if isinstance(node, DictConfig) else {}
    found = {key: REFERENCE.match(str(value)) for key, value in flat(own, ".")}
    return {key: match[1] for key, match in found.items() if match}
