"""Seeds by stage: `seed` sets all, train.seed, method.seed and eval.seed may differ, as forget.seed may."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stage = Literal["train", "method", "eval"]
STAGES: tuple[Stage, ...] = ("train", "method", "eval")


@dataclass(frozen=True)
class Seeds:
    """Of a run's stages; `forget` is that of training where the forget set draws nothing."""

    train: int
    method: int
    eval: int
    forget: int


def stage_seeds(config: dict[str, Any]) -> dict[Stage, int]:
    """The seed of each stage of a resolved configuration, an earlier version's too."""
    nodes = {stage: config.get(stage) for stage in STAGES}
    own = {stage: node.get("seed") if isinstance(node, dict) else None for stage, node in nodes.items()}
    return {stage: config["seed"] if seed is None else seed for stage, seed in own.items()}


def by_training(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration with the training's seed as `seed`, another stage's only where it differs from it.

    Equal for two configurations exactly if the seeds of all stages are, however they were given.
    """
    seeds = stage_seeds(config)
    found = config | {"seed": seeds["train"]}
    for stage in STAGES:
        if isinstance(node := config.get(stage), dict):
            others = without_own_seed(node)
            differs = seeds[stage] != seeds["train"]
            found[stage] = others | ({"seed": seeds[stage]} if differs else {})
    return found


def without_own_seed(node: Mapping[str, Any]) -> dict[str, Any]:
    """A section of a configuration but for its seed; those of what it holds stay."""
    return {key: value for key, value in node.items() if key != "seed"}


def seed_text(train: int, method: int) -> str:
    """`s0`, or `s0-m1` where the method has a seed of its own."""
    return f"s{train}" if method == train else f"s{train}-m{method}"
