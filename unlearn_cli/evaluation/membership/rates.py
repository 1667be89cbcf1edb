"""How well scores tell members from non-members: AUC, balanced accuracy, true positives at few false ones.

All in percent, with 95 % intervals over rows; the models are taken as they are.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import beta, norm, rankdata

from unlearn_cli.runtime.seeding import rng

FOLDS = 5
LEVEL = 0.95
Z = float(norm.ppf((1 + LEVEL) / 2))
FALSE_POSITIVES = {"TPR_1": 1.0, "TPR_01": 0.1}
"""Allowed false positives in percent, by metric."""
RATES = ("AUC", "balanced", *FALSE_POSITIVES)


@dataclass(frozen=True)
class Estimate:
    """A number in percent with its interval, or why there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


class Curve(NamedTuple):
    """A ROC curve: shares of false and true positives by falling threshold, and the latter's interval."""

    false: np.ndarray
    true: np.ndarray
    low: np.ndarray
    high: np.ndarray


def rates(scores: np.ndarray, member: np.ndarray) -> dict[str, Estimate]:
    """`RATES` of scores (n,), the higher the likelier a member; member (n,) bool."""
    inside, outside = scores[member], scores[~member]
    if min(len(inside), len(outside)) < 2:
        why = f"of {len(inside)} members and {len(outside)} non-members nothing can be said"
        return dict.fromkeys(RATES, Estimate(None, why=why))
    return {
        "AUC": area(inside, outside),
        "balanced": balanced_accuracy(inside, outside),
        **{name: true_positives(inside, outside, share) for name, share in FALSE_POSITIVES.items()},
    }


def area(inside: np.ndarray, outside: np.ndarray) -> Estimate:
    """Share of pairs in which the member has the higher score, ties half (Mann and Whitney).

    The interval holds the areas that lie within 1.96 of their own standard errors (Hanley and McNeil 1982)
    of it: Newcombe 2006, Statistics in Medicine 25:559, method 5. It has a width where all pairs are right.
    """
    m, n = len(inside), len(outside)
    ranks = rankdata(np.concatenate([inside, outside]))[:m]
    value = float(ranks.sum() - m * (m + 1) / 2) / (m * n)

    def least(value: float) -> float:
        def excess(area: float) -> float:
            others = ((m + n) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
            return value - area - Z * float(np.sqrt(area * (1 - area) * (1 + others) / (m * n)))

        step = 1e-9  # at 1 the standard error is 0, a little below it is the larger
        return float(brentq(excess, 0, value - step)) if value > step else 0.0

    return _percent(value, least(value), 1 - least(1 - value))


def balanced_accuracy(inside: np.ndarray, outside: np.ndarray) -> Estimate:
    """(true positives' + true negatives' share) / 2, each row judged by a threshold that other rows chose.

    The rows are dealt to five folds; the threshold with the largest balanced accuracy on four judges the
    fifth. So it is 50 % in the mean where there is nothing to find. Its interval is that of a mean of two
    shares (Wilson's of each, added in squares as by Newcombe 1998).
    """
    dealt = [_folds(len(inside), "inside"), _folds(len(outside), "outside")]
    right = np.zeros(2)
    for fold in range(FOLDS):
        mine, theirs = (folds == fold for folds in dealt)
        threshold = _best_threshold(inside[~mine], outside[~theirs])
        right += (inside[mine] > threshold).sum(), (outside[theirs] <= threshold).sum()
    counts = np.array([len(inside), len(outside)])
    shares = right / counts
    centre = (shares + Z**2 / (2 * counts)) / (1 + Z**2 / counts)
    half = Z * np.sqrt(shares * (1 - shares) / counts + Z**2 / (4 * counts**2)) / (1 + Z**2 / counts)
    below, above = (float(np.linalg.norm(centre + side * half - shares)) / 2 for side in (-1, 1))
    return _percent(float(shares.mean()), float(shares.mean()) - below, float(shares.mean()) + above)


def _folds(count: int, which: str) -> np.ndarray:
    return rng("membership folds", which, count).permutation(np.arange(count) % FOLDS)


def _best_threshold(inside: np.ndarray, outside: np.ndarray) -> float:
    """Above which most are members: halfway between two scores, or below all of them."""
    values = np.unique(np.concatenate([inside, outside]))
    thresholds = np.concatenate([[-np.inf], (values[:-1] + values[1:]) / 2])
    true = 1 - np.searchsorted(np.sort(inside), thresholds, side="right") / len(inside)
    false = 1 - np.searchsorted(np.sort(outside), thresholds, side="right") / len(outside)
    return float(thresholds[np.argmax(true - false)])


def true_positives(inside: np.ndarray, outside: np.ndarray, share: float) -> Estimate:
    """Members' share above the lowest score above which at most `share` percent of the non-members are.

    The interval is Clopper and Pearson's for that threshold.
    """
    allowed = int(share * len(outside) / 100 + 1e-9)
    if not allowed:
        why = f"{share:g} % of {len(outside)} non-members is less than one; {round(100 / share)} are needed"
        return Estimate(None, why=why)
    found = int((inside > np.sort(outside)[-allowed - 1]).sum())
    low, high = _clopper_pearson(np.array(found), len(inside))
    return _percent(found / len(inside), float(low), float(high))


def curve(scores: np.ndarray, member: np.ndarray) -> Curve:
    """The ROC curve from (0, 0) to (1, 1), equal scores taken together."""
    thresholds = np.unique(scores)[::-1]
    true, false = (
        np.concatenate([[0], len(part) - np.searchsorted(np.sort(part), thresholds)])
        for part in (scores[member], scores[~member])
    )
    low, high = _clopper_pearson(true, int(member.sum()))
    return Curve(false / max(1, false[-1]), true / max(1, true[-1]), low, high)


def _clopper_pearson(found: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The exact interval of a share, `found` of `count`."""
    tail = (1 - LEVEL) / 2
    low = np.where(found > 0, beta.ppf(tail, np.maximum(found, 1), count - found + 1), 0.0)
    high = np.where(found < count, beta.ppf(1 - tail, found + 1, np.maximum(count - found, 1)), 1.0)
    return low, high


def _percent(value: float, low: float, high: float) -> Estimate:
    return Estimate(100 * value, 100 * max(low, 0.0), 100 * min(high, 1.0))
