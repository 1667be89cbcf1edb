"""Runs that differ by nothing but chance are repetitions of one variant."""

from typing import Any

from unlearn_cli.config.dormant import awake
from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.seeds import by_training

MOVES_NO_NUMBER = ("paths", "tracking", "progress", "checkpoint_minutes", "expected", "tuned")
"""Top-level keys of a configuration that no result depends on."""


def determining(config: dict[str, Any]) -> dict[str, Any]:
    """The resolved configuration without the keys that move no number of the method's model.

    Seeds and `oracle` stand there as they would be typed shortest, as in configurations of earlier versions.
    """
    moving = {key: value for key, value in awake(config).items() if key not in MOVES_NO_NUMBER}
    if "oracle" in moving:
        moving["oracle"] = spelt_out(moving["oracle"]).get("compare")
    return by_training(moving) if "seed" in moving else moving


def unseeded(config: dict[str, Any]) -> dict[str, Any]:
    """The determining configuration without any key named `seed`, at whatever depth."""
    return without_seeds(determining(config))


def variant(config: dict[str, Any], method: str) -> str:
    """`<method>-<hash of everything but the seeds>`: equal for the repetitions of one experiment."""
    return f"{method}-{key_of(unseeded(config))[:8]}"


def forget_values(config: dict[str, Any]) -> dict[str, Any]:
    """What the configuration says of the forget set, without its seed; of a part of it, what kind it is."""
    values = {key: _kind(value) for key, value in unseeded(config)["forget"].items()}
    return {key: value for key, value in values.items() if key != "_target_" and value is not None}


def _kind(value: Any) -> Any:
    """The name of the class that a node is for, and a hash of its values."""
    if not isinstance(value, dict):
        return value
    return f"{value['_target_'].rpartition('.')[2]}-{key_of(value)[:4]}"


def without_seeds(node: Any) -> Any:
    """Nested dicts without the keys named `seed`."""
    if not isinstance(node, dict):
        return node
    return {key: without_seeds(value) for key, value in node.items() if key != "seed"}


def spelt_out(node: Any) -> Any:
    """`oracle: false` as its keys."""
    return node if isinstance(node, dict) else {"compare": node, "count": 1}
