"""Numbers over seeds: mean, deviation and interval of the mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite

import numpy as np
from scipy import stats

from unlearn_cli.compare.intervals import ANYWHERE, FEWEST, Interval, interval_of


@dataclass(frozen=True)
class Estimate:
    """n values of one quantity, in its unit; what they are too few for, or not finite, is None."""

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


def estimate(
    values: Sequence[float], interval: Interval, bounds: tuple[float, float] = ANYWHERE
) -> Estimate | None:
    """Mean, sample standard deviation (ddof 1) and 95 % interval of the mean; None of no values.

    One value has no deviation. Fewer than three values and equal ones have no interval: they do not show how
    far others may lie. A value that is not finite makes the mean so: a seed that diverged is not passed over.

    Args:
        bounds: the least and the largest that the mean can be.
    """
    if not values:
        return None
    n, first = len(values), values[0]
    if n == 1:
        return Estimate(n, first, None, None, None)
    if isfinite(first) and all(value == first for value in values):
        return Estimate(n, first, 0.0, None, None)
    with np.errstate(invalid="ignore"):  # inf − inf is nan, as it should be
        mean = float(np.mean(values))
    if not isfinite(mean):
        return Estimate(n, mean, None, None, None)
    std = float(np.std(values, ddof=1))
    if n < FEWEST:
        return Estimate(n, mean, std, None, None)
    return Estimate(n, mean, std, *interval_of(values, mean, std, interval, bounds))


def paired(one: Mapping[str, float], other: Mapping[str, float]) -> list[float]:
    """one − other for each key that both have."""
    return [one[key] - other[key] for key in sorted(one.keys() & other.keys())]


@cache
def jaccard_by_chance(m: int, k: int, n: int) -> float:
    """Expected |A ∩ B| / |A ∪ B| of m and k out of n drawn at random; for m = k = f·n about f / (2 − f)."""
    common = np.arange(max(0, m + k - n), min(m, k) + 1)
    return float(stats.hypergeom(n, m, k).pmf(common) @ (common / (m + k - common)))
