"""The part of an axis that shows most rows well: what lies far from the others does not squeeze them."""

from collections.abc import Sequence
from math import isfinite

import numpy as np

FAR = 3
"""Interquartile ranges beyond the quartiles: Tukey's far-out values."""
FEWEST = 4
"""Values from which on quartiles say something."""
LEAST = {"%": 2.0}
"""By unit, a range that is never taken for wide."""
MARGIN = 0.08


def window(
    values: Sequence[float], deviations: Sequence[float], trusted: Sequence[bool], unit: str
) -> tuple[float, float]:
    """Lower and upper end of an axis.

    values, deviations: of the rows; trusted: false of destroyed models, which count only where less than two
    others are there. Values farther than `FAR` from the others' quartiles are left outside, and of a
    deviation what is wider than half the axis.
    """
    rows = [row for row in zip(values, deviations, trusted, strict=True) if isfinite(row[0])]
    inside = [row for row in rows if row[2]]
    if len(inside) < 2:
        inside = rows or [(0.0, 0.0, True)]
    low, high = _fences([value for value, _, _ in inside], LEAST.get(unit, 0.0))
    inside = [row for row in inside if low <= row[0] <= high]
    low, high = min(value for value, _, _ in inside), max(value for value, _, _ in inside)
    wide = high - low or abs(high) * MARGIN or LEAST.get(unit, 1.0)
    ends = [(value - deviation, value + deviation) for value, deviation, _ in inside]
    margin = wide * (MARGIN if high > low else 0.5)
    lowest = max(min(end for end, _ in ends), low - wide / 2) - margin
    highest = min(max(end for _, end in ends), high + wide / 2) + margin
    if low >= 0:  # no cost and no gap is negative
        lowest = max(lowest, -MARGIN * wide)
    return (max(lowest, -2.0), min(highest, 102.0)) if unit == "%" else (lowest, highest)


def _fences(values: Sequence[float], least: float) -> tuple[float, float]:
    if len(values) < FEWEST:
        return min(values), max(values)
    first, last = np.quantile(values, (0.25, 0.75))
    range_ = max(float(last - first), least, 0.05 * abs(float(np.median(values))))
    return float(first) - FAR * range_, float(last) + FAR * range_
