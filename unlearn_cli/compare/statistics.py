"""Numbers over seeds: mean, deviation, interval of the mean, and whether two methods can be told apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite, sqrt
from typing import Literal

import numpy as np
from scipy import stats

Interval = Literal["t", "bootstrap"]

LEVEL = 0.95
ALPHA = 0.05
RESAMPLES = 9999
ROUNDING = 1e-9
"""Differences of equal percentages are not always 0."""
INTERVALS: dict[Interval, str] = {
    "t": "Student's t",
    "bootstrap": f"percentile bootstrap, {RESAMPLES:,} resamples",
}


@dataclass(frozen=True)
class Estimate:
    """n values of one quantity, in its unit; what they are too few for, or not finite, is None."""

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


def estimate(values: Sequence[float], interval: Interval) -> Estimate | None:
    """Mean, sample standard deviation (ddof 1) and 95 % interval of the mean; None of no values.

    One value has no deviation. A value that is not finite makes the mean so: a seed that diverged is not
    passed over. Equal values have an interval of no width.
    """
    if not values:
        return None
    n, first = len(values), values[0]
    if n == 1:
        return Estimate(n, first, None, None, None)
    if all(value == first for value in values):
        return Estimate(n, first, 0.0, first, first)
    with np.errstate(invalid="ignore"):  # inf − inf is nan, as it should be
        mean = float(np.mean(values))
    if not isfinite(mean):
        return Estimate(n, mean, None, None, None)
    std = float(np.std(values, ddof=1))
    if interval == "bootstrap":
        return Estimate(n, mean, std, *_bootstrap(values))
    half = _quantile(n) * std / sqrt(n)
    return Estimate(n, mean, std, mean - half, mean + half)


@cache
def _quantile(n: int) -> float:
    """Of Student's t for the mean of n values."""
    return float(stats.t.ppf((1 + LEVEL) / 2, n - 1))


def _bootstrap(values: Sequence[float]) -> tuple[float, float]:
    found = stats.bootstrap(
        (np.asarray(values, dtype=float),),
        np.mean,
        confidence_level=LEVEL,
        n_resamples=RESAMPLES,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


def paired(one: Mapping[str, float], other: Mapping[str, float]) -> list[float]:
    """one − other for each key that both have."""
    return [one[key] - other[key] for key in sorted(one.keys() & other.keys())]


def paired_p(one: Mapping[str, float], other: Mapping[str, float]) -> float | None:
    """p of the two-sided paired t-test over the keys that both have; None of fewer than two, or not finite.

    If all differences are equal there is nothing to test: 1 if they are zero, else 0.
    """
    differences = np.array(paired(one, other))
    if len(differences) < 2 or not np.isfinite(differences).all():
        return None
    if np.ptp(differences) < ROUNDING:
        return float(abs(differences[0]) < ROUNDING)
    return float(stats.ttest_1samp(differences, 0).pvalue)


@cache
def jaccard_by_chance(m: int, k: int, n: int) -> float:
    """Expected |A ∩ B| / |A ∪ B| of m and k out of n drawn at random; for m = k = f·n about f / (2 − f)."""
    common = np.arange(max(0, m + k - n), min(m, k) + 1)
    return float(stats.hypergeom(n, m, k).pmf(common) @ (common / (m + k - common)))
