"""Parts of a spread over seeds: I original models, each of them unlearned J times.

y_ij = μ + a_i + e_ij with the variances σ²_train and σ²_unlearn; the mean of the originals' means has the
variance σ²_train / I + σ²_unlearn / (I J) (Lanyon et al., arXiv:2510.26714, Eq. 4), where J differs with its
harmonic mean. Estimated by the method of moments
from the analysis of variance, which also takes unequal numbers (Searle, Casella and McCulloch, Variance
Components, 1992, 3.6).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean
from typing import Literal


@dataclass(frozen=True)
class Parts:
    """Of one metric of one method. Variances are in the metric's unit, squared, and not negative."""

    originals: int
    """I."""
    runs: int
    """N, all unlearnings together."""
    train: float | None
    """Between originals; None of one original."""
    unlearn: float
    """Between unlearnings of one original."""
    of_mean: float | None
    """Of the mean of the originals' means; None of one original, whose runs tell nothing of another's."""

    @property
    def per_original(self) -> float:
        """J, where originals are unlearned unequally often their mean."""
        return self.runs / self.originals


def parts(values: Sequence[Sequence[float]]) -> Parts | None:
    """The parts of what was measured, an inner sequence for each original.

    Returns:
        None where no original was unlearned twice, so that nothing parts the two, or a value is not finite.
    """
    known = [own for own in values if own]
    count, runs = len(known), sum(map(len, known))
    if runs == count or not all(isfinite(value) for own in known for value in own):
        return None
    means = [fmean(own) for own in known]
    within = sum((value - mean) ** 2 for own, mean in zip(known, means, strict=True) for value in own)
    unlearn = within / (runs - count)
    if count == 1:
        return Parts(count, runs, None, unlearn, None)
    overall = fmean([value for own in known for value in own])
    between = sum(len(own) * (mean - overall) ** 2 for own, mean in zip(known, means, strict=True))
    squares = sum(len(own) ** 2 for own in known)
    per_original = (runs - squares / runs) / (count - 1)  # J where all are unlearned equally often
    train = max(0.0, (between / (count - 1) - unlearn) / per_original)
    of_mean = train / count + unlearn * sum(1 / len(own) for own in known) / count**2
    return Parts(count, runs, train, unlearn, of_mean)


def pays_most(found: Parts, training: float, unlearning: float) -> Literal["training", "unlearning"] | None:
    """What lowers the variance of the mean most for its time: one original more, or one unlearning of each.

    One original more comes with as many unlearnings as the others have had. With one original alone there is
    no question; None where nothing varies.

    Args:
        training: seconds of an original, and of its oracle where there is one.
        unlearning: seconds of an unlearning.
    """
    if found.train is None:
        return "training"
    count, each = found.originals, found.per_original
    total = found.train / count + found.unlearn / (count * each)
    if total <= 0:
        return None
    of_training = total / (count + 1) / (training + each * unlearning)
    of_unlearning = found.unlearn / (count * each * (each + 1)) / (count * unlearning)
    return "training" if of_training >= of_unlearning else "unlearning"
