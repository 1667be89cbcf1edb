"""When a metric has caught a control: its value is not what another oracle's would be."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t

from unlearn_cli.evaluation.meaning import MEANINGS

LEVEL = 0.99
LEAST = {"%": 2.0, "points": 2.0, "steps": 2.0, "nats": 0.05}
"""Added, by unit: oracles may all agree, and one row of fifty is 2 %."""
OTHERWISE = 0.02
CHANCE = 50.0
"""What such an attack has where nothing is to be found, in percent."""


class Interval(NamedTuple):
    """Of an attack by example on forgotten rows."""

    low: float
    high: float
    null: float
    """What the same attack has of the oracle: the same rows, of which nothing was learned."""


def caught(metric: str, value: float, oracles: Sequence[float], interval: Interval | None = None) -> bool:
    """Whether the value lies outside what one more oracle's would be, by its 99 % prediction interval.

    Args:
        oracles: the metric's values of three oracles or more that differ by their seeds alone.
        interval: of an attack by example: it has found something where neither chance nor what it has of the
            oracle lies inside.
    """
    if interval:
        return not any(interval.low <= value <= interval.high for value in (CHANCE, interval.null))
    count = len(oracles)
    reach = t.ppf((1 + LEVEL) / 2, count - 1) * np.std(oracles, ddof=1) * np.sqrt(1 + 1 / count)
    return bool(abs(value - np.mean(oracles)) > reach + LEAST.get(MEANINGS[metric].unit, OTHERWISE))
