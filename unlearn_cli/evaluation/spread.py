"""Several models of one kind, oracles above all: their metrics' means and deviations."""

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import stdev


def by_metric(models: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """The values of the metrics that all of at least one model have."""
    return {key: [one[key] for one in models] for key in models[0] if all(key in one for one in models)}


def deviation(values: Sequence[float]) -> float | None:
    """Sample standard deviation (n − 1); None of fewer than two values, and where one is not finite."""
    return stdev(values) if len(values) > 1 and all(map(isfinite, values)) else None
