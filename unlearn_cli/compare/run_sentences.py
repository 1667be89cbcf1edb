"""What is said under one run's table: which epoch it is of, and of its Avg Gap whether that means anything.

With several oracles of the same rows, each two of them are as far from each other as a perfect method may be
from one: whatever is no farther cannot be told from it.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.references import REFERENCES
from unlearn_cli.config.tuned_for import told
from unlearn_cli.evaluation.floor import AVERAGE, gaps_of_pairs
from unlearn_cli.evaluation.gaps import ROUNDING, to_oracle

UNIT = "%"


def original_gap(result: Mapping[str, Any]) -> float | None:
    """The Avg Gap of a model of which nothing is unlearned; None without an oracle."""
    original = result["original"]
    return to_oracle(original, result["oracle"])["avg_gap"] if original else None


def sentences(result: Mapping[str, Any]) -> list[str]:
    """Of a run's result: whose values it has, which epoch was taken, whose model it is, its Avg Gap."""
    name, own, nothing = result["method"], result["avg_gap"], original_gap(result)
    elsewhere, seen = result.get("tuned_for"), result.get("validation")
    found = [f"{name}'s values were tuned for {told(elsewhere)}."] if elsewhere else []
    found += _on_validation(seen) if seen else []
    found += _of_own_model(result)
    if own is None or nothing is None:
        return found
    if name not in REFERENCES and own > nothing - ROUNDING:
        found.append(
            f"{name} does not beat unlearning nothing: Avg Gap {_text(own)}, the original's {_text(nothing)}."
        )
    return [*found, *_beside_floor(result, own, nothing)]


def _on_validation(seen: Mapping[str, Any]) -> list[str]:
    """Which epoch was taken, and whether enough was forgotten."""
    found = []
    if seen["select"] == "best":
        value = "not finite" if seen["value"] is None else f"{seen['value']:.4g}"
        of = " (of what is expected of an oracle)" if seen["stand_in"] else ""
        found.append(
            f"Taken: epoch {seen['epoch']} of {seen['epochs']}, the best by {seen['objective']}{of} on "
            f"validation rows, {value}."
        )
    if seen["wanted"] is not None:
        verb = "Enough was" if seen["enough"] else "Not enough was ever"
        epochs = "1 epoch" if seen["epochs"] == 1 else f"{seen['epochs']} epochs"
        found.append(
            f"{verb} forgotten after {epochs}: {_text(seen['wanted'])} % no longer recognised "
            f"was asked for; the epoch taken has {_text(seen['forgotten'])} %."
        )
    return found


def _of_own_model(result: Mapping[str, Any]) -> list[str]:
    model = result.get("own_model")
    if not model:
        return []
    rows = model["trained_on"]
    said = "all training rows" if rows["said_by"] == "train" else rows["said_by"]
    found = [
        f"The original is {model['file']}, which is said to have learnt {rows['count']:,} rows ({said})."
    ]
    if not result["oracle"]:
        return [
            *found,
            "No oracle, so no gap, Avg Gap, agreement or KL; oracle=true train=NAME trains one by a recipe.",
        ]
    recipe = model["oracle_recipe"]
    return [
        *found,
        f"The oracle was trained by train={recipe}; the gaps also hold how that differs from yours.",
    ]


def _beside_floor(result: Mapping[str, Any], own: float, nothing: float) -> list[str]:
    name, oracles = result["method"], [oracle["metrics"] for oracle in result.get("oracles") or []]
    pairs = [gap[AVERAGE] for gap in gaps_of_pairs(oracles) if AVERAGE in gap]
    if not pairs:
        return ["One oracle, so no floor: oracle.count=3 tells how near to it a perfect method would be."]
    floor, largest = sum(pairs) / len(pairs), max(pairs)
    if not isfinite(floor):  # nor is the largest to be told then
        return ["An oracle's numbers are not all finite, so no floor."]
    span = _text(largest) if len(pairs) == 1 else f"{_text(min(pairs))} to {_text(largest)}"
    told = f"{len(oracles)} oracles are {span} from each other in Avg Gap; the mean is the floor."
    if floor > ROUNDING:
        told += f" In floors, unlearning nothing is {nothing / floor:.1f} from the oracle"
        told += "." if name in REFERENCES else f", {name} {own / floor:.1f}."
    return [told, *_indistinct(name, own, nothing, largest)]


def _indistinct(name: str, own: float, nothing: float, largest: float) -> list[str]:
    """What lies among the oracles, each two of which are `largest` apart at most."""
    if nothing <= largest:
        return [
            "A model of which nothing is unlearned is no farther from its oracle than that: by Avg Gap this "
            "setting cannot tell methods apart."
        ]
    if name not in REFERENCES and own <= largest:
        return [f"{name} is no farther from its oracle than that: this run cannot tell it from retraining."]
    return []


def _text(value: float) -> str:
    return number(value, UNIT)
