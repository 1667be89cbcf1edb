"""The box-capped simplex, on which the weights of a worst-case forget set live."""

from bisect import bisect_left

import numpy as np


def project(point: np.ndarray, mass: float) -> np.ndarray:
    """argmin_w ‖w − a‖² over {0 ≤ w ≤ 1, Σw = m}: clip(a − μ, 0, 1) with the μ that gives the mass.

    Exact, in O(n log n): s(μ) = Σ clip(a − μ, 0, 1) is piecewise linear and falls with μ, its breakpoints are
    the entries of a and of a − 1. Those next to the solution are found by bisection over the sorted entries;
    between them μ solves a linear equation.

    Args:
        point: a, (n,), finite.
        mass: m, 0 to n.

    Returns:
        w, (n,) float64.
    """
    a = np.asarray(point, dtype=np.float64)
    entries = np.sort(a)
    sums = np.concatenate([[0.0], np.cumsum(entries)])

    def falls_short(mu: float) -> bool:
        """Whether s(μ) ≤ m: never before the solution, always after it."""
        first, last = np.searchsorted(entries, [mu, mu + 1])
        inside = sums[last] - sums[first] - mu * (last - first)
        return bool(inside + (len(a) - last) <= mass)

    lower, upper = entries[0] - 1, entries[-1]  # s is n and 0 there
    for breakpoints in (entries, entries - 1):
        index = bisect_left(breakpoints, True, key=falls_short)
        if index < len(a):
            upper = min(upper, breakpoints[index])
        if index > 0:
            lower = max(lower, breakpoints[index - 1])
    middle = (lower + upper) / 2  # no breakpoint between them: the same entries are inside for any μ there
    inside, ones = (a > middle) & (a < middle + 1), int((a >= middle + 1).sum())
    mu = (a[inside].sum() + ones - mass) / inside.sum() if inside.any() else middle
    return np.clip(a - mu, 0, 1)
