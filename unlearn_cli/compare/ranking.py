"""Which rows are best, and which cannot be told from the best."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from math import isfinite

import numpy as np

from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.keys import circumstances
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.statistics import ALPHA, ROUNDING, paired_p
from unlearn_cli.evaluation.meaning import Meaning


@dataclass(frozen=True)
class Place:
    """A row's rank, 1 the best; p of the paired t-test against the best, None where not tested."""

    rank: int
    p: float | None

    @property
    def tied(self) -> bool:
        """Not the best, but not distinguishable from it."""
        return self.rank > 1 and self.p is not None and self.p > ALPHA


def placed(groups: Sequence[Group], key: str, meaning: Meaning, by: Sequence[str]) -> list[Place | None]:
    """Each group's place by the mean of a metric, or of its distance to the oracle if that is the aim.

    Equal means share a rank. A group without the metric, or with a mean that is not finite, has no place.
    Runs are paired by all that method and mask do not say: setting and seeds.
    """
    scores = [_scores(group, key, meaning, by) for group in groups]
    means = [float(np.mean(list(chain(*one.values())))) if one else float("nan") for one in scores]
    ranked = sorted((mean, index) for index, mean in enumerate(means) if isfinite(mean))
    if not ranked:
        return [None] * len(groups)
    paired = [{pair: float(np.mean(same)) for pair, same in one.items()} for one in scores]
    best = paired[ranked[0][1]]
    return [
        Place(1 + sum(other < mean - ROUNDING for other, _ in ranked), paired_p(own, best))
        if isfinite(mean)
        else None
        for own, mean in zip(paired, means, strict=True)
    ]


def _scores(group: Group, key: str, meaning: Meaning, by: Sequence[str]) -> dict[str, list[float]]:
    """By circumstances: numbers that are the better the lower they are."""
    found: dict[str, list[float]] = {}
    for run in group.runs:
        if (score := _score(run, key, meaning)) is not None:
            found.setdefault(circumstances(run, by), []).append(score)
    return found


def _score(run: Run, key: str, meaning: Meaning) -> float | None:
    if meaning.better == "oracle":
        return run.gap.get(key)
    value = run.values.get(key)
    return -value if value is not None and meaning.better == "higher" else value
