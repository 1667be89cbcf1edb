"""A number from elsewhere beside ours: a paper's, or one of docs/results/ over its seeds."""

from dataclasses import dataclass
from math import sqrt
from typing import Literal

from unlearn_cli.compare.intervals import FEWEST, quantile
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.evaluation.gaps import ROUNDING

Source = Literal["paper", "published"]
DECIMALS = 4
"""To which files of docs/results/ hold numbers."""
PRINTED = 10.0**-DECIMALS


@dataclass(frozen=True)
class Reported:
    """Mean and deviation as they were printed. n: over how many seeds; a paper's are not asked for."""

    source: Source
    mean: float
    std: float | None = None
    n: int = 0

    def difference(self, ours: Estimate) -> float:
        """Ours − this, as far as it was printed."""
        found = ours.mean - self.mean
        return round(found, DECIMALS) if self.source == "published" else found

    def within(self, ours: Estimate) -> bool | None:
        """Whether our mean is where it may be expected; None where that cannot be told.

        Of a paper: within its deviation. Of a published number: within the 95 % prediction interval of the
        mean of as many runs as ours, m ± t s √(1/n + 1/k), for n normally distributed seeds and k runs
        (Student's t with n − 1 degrees of freedom). Fewer than three seeds and equal ones do not show how
        they vary: of those only an equal number is told to be within.
        """
        away = abs(ours.mean - self.mean)
        if self.source == "paper":
            return None if self.std is None else away <= self.std + ROUNDING  # not, if ours is not finite
        if self.n < FEWEST or not self.std:
            return True if away <= PRINTED else None
        return away <= quantile(self.n) * self.std * sqrt(1 / self.n + 1 / ours.n) + PRINTED
