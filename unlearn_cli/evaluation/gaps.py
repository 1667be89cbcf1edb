"""Distance to the retrain oracle of the same seed and split (SalUn, arXiv:2310.12508, Table 1)."""

from collections.abc import Mapping
from typing import Any

from unlearn_cli.evaluation.destroyed import at_chance, destroyed

AVERAGED = ("UA", "RA", "TA", "MIA")
"""A classifier's (SalUn)."""
AVERAGED_OF_PROMPTS = ("UA", "IRA", "CRA")
"""A text-to-image model's (UnlearnCanvas)."""
OF_DOMAINS = ("Mem", "For", "H")
"""A CLIP's (ADU), whose aim is not the oracle."""
OF_ANSWERS = ("UA_direct", "same_image", "in_domain", "cross_domain", "H")
"""A vision-language model's."""

ROUNDING = 1e-9
"""Differences of equal percentages are not always 0."""


def gaps(values: Mapping[str, float], oracle_values: Mapping[str, float]) -> dict[str, float]:
    """|method − oracle| of every metric that both have, in the metric's unit."""
    return {name: abs(value - oracle_values[name]) for name, value in values.items() if name in oracle_values}


def avg_gap(gap: Mapping[str, float]) -> float | None:
    """Mean of the gaps in UA, RA, TA and MIA, or in UA, IRA and CRA; None where neither is complete."""
    for names in (AVERAGED, AVERAGED_OF_PROMPTS):
        if all(name in gap for name in names):
            return sum(gap[name] for name in names) / len(names)
    return None


def to_oracle(metrics: Mapping[str, float], oracle: Mapping[str, float] | None) -> dict[str, Any]:
    """`gap` and `avg_gap` of a result; None without an oracle."""
    gap = gaps(metrics, oracle) if oracle else None
    return {"gap": gap, "avg_gap": avg_gap(gap) if gap else None}


def compared(
    metrics: Mapping[str, float],
    original: Mapping[str, float],
    oracle: Mapping[str, float] | None,
    classes: int,
) -> dict[str, Any]:
    """The comparing part of a run's result: metrics, original, oracle, gap, avg_gap and warnings.

    Without an oracle, oracle, gap and avg_gap are None.
    """
    return {
        "metrics": dict(metrics),
        "original": dict(original),
        "oracle": dict(oracle) if oracle else None,
        **to_oracle(metrics, oracle),
        "warnings": at_chance(original, classes) + destroyed(metrics, original, classes),
    }
