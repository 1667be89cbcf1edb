"""Distance to the retrain oracle of the same seed and split (SalUn, arXiv:2310.12508, Table 1)."""

from collections.abc import Mapping
from typing import Any

from unlearn_cli.evaluation.destroyed import destroyed

AVERAGED = ("UA", "RA", "TA", "MIA")


def gaps(values: Mapping[str, float], oracle_values: Mapping[str, float]) -> dict[str, float]:
    """|method − oracle| of every metric that both have, in the metric's unit."""
    return {name: abs(value - oracle_values[name]) for name, value in values.items() if name in oracle_values}


def avg_gap(gap: Mapping[str, float]) -> float | None:
    """Mean of the gaps in UA, RA, TA and MIA; None where one of them was not measured."""
    if not all(name in gap for name in AVERAGED):
        return None
    return sum(gap[name] for name in AVERAGED) / len(AVERAGED)


def compared(
    metrics: Mapping[str, float],
    original: Mapping[str, float],
    oracle: Mapping[str, float] | None,
    classes: int,
) -> dict[str, Any]:
    """The comparing part of a run's result: metrics, original, oracle, gap, avg_gap and warnings.

    Without an oracle, oracle, gap and avg_gap are None.
    """
    gap = gaps(metrics, oracle) if oracle else None
    return {
        "metrics": dict(metrics),
        "original": dict(original),
        "oracle": dict(oracle) if oracle else None,
        "gap": gap,
        "avg_gap": avg_gap(gap) if gap else None,
        "warnings": destroyed(metrics, original, classes),
    }
