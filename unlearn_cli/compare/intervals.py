"""Confidence intervals of a mean that stay where the mean can be."""

from collections.abc import Sequence
from functools import cache
from math import exp, inf, isfinite, log, sqrt
from typing import Literal

import numpy as np
from scipy import stats

Interval = Literal["t", "bootstrap"]

LEVEL = 0.95
RESAMPLES = 9999
FEWEST = 3
"""Runs that an interval takes: of two, Student's t is 18 deviations wide and says nothing."""
INTERVALS: dict[Interval, str] = {
    "t": "Student's t, on the logit or logarithmic scale where it would leave what the metric can be",
    "bootstrap": f"percentile bootstrap, {RESAMPLES:,} resamples",
}
ANYWHERE = (-inf, inf)


def interval_of(
    values: Sequence[float], mean: float, std: float, interval: Interval, bounds: tuple[float, float]
) -> tuple[float, float]:
    """The 95 % interval of the mean of at least FEWEST finite values that are not all equal.

    Student's t, unless it leaves the bounds; then Student's t of the logit of the mean (of its logarithm,
    where there is one bound), with the standard error by the delta method. With values near a bound that
    covers the mean in 87 to 96 % of samples of 3 and 5, where an interval cut off at the bound does in 87 to
    94 and the percentile bootstrap in 65 to 91. Bounds that a value violates are none.
    """
    if interval == "bootstrap":
        return _bootstrap(values)
    half = quantile(len(values)) * std / sqrt(len(values))
    low, high = mean - half, mean + half
    if (bounds[0] <= low and high <= bounds[1]) or min(values) < bounds[0] or max(values) > bounds[1]:
        return low, high
    return _within(mean, half, bounds)


def _within(mean: float, half: float, bounds: tuple[float, float]) -> tuple[float, float]:
    """mean ± half on the scale where the bounds are infinitely far; a lower bound, or two."""
    least, largest = bounds
    if not isfinite(largest):
        away = half / (mean - least)
        return least + (mean - least) * exp(-away), least + (mean - least) * exp(away)
    width = largest - least
    share = (mean - least) / width
    away, logit = half / width / (share * (1 - share)), log(share / (1 - share))
    return least + width * _logistic(logit - away), least + width * _logistic(logit + away)


def _logistic(x: float) -> float:
    return 1 / (1 + exp(-x)) if x > 0 else exp(x) / (1 + exp(x))


@cache
def quantile(n: int) -> float:
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
