"""Which rows are best, what can be claimed of the others, and whether a setting can tell methods apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan, nan
from statistics import fmean

import numpy as np

from unlearn_cli.compare.claims import Scores, claims, p_beyond
from unlearn_cli.compare.floor import Floor
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.hypotheses import ALPHA, Array
from unlearn_cli.compare.keys import origin
from unlearn_cli.compare.meanings import score
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import ORACLE, ORIGINAL
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.gaps import ROUNDING
from unlearn_cli.evaluation.meaning import Meaning

Scored = Mapping[str, Sequence[float]]
"""By origin, in which runs are paired: numbers that are the better the lower."""


@dataclass(frozen=True)
class Place:
    """A row's rank, 1 the best, and what is claimed of it; p-values are Holm's, None where not tested."""

    rank: int
    bold: bool
    """Of rank 1, and fit to be called the best."""
    beats_original: bool
    """In the mean of the differences; so does every row where there is no original."""
    behind: bool = True
    """The best, in the mean of the differences: that of all runs may be of other seeds."""
    p_different: float | None = None
    """From the best."""
    p_original: float | None = None
    """From the original."""
    p_equal: float | None = None
    """To the best."""
    p_oracle: float | None = None
    """Equal to the oracle."""

    @property
    def equals_best(self) -> bool:
        return self.rank > 1 and _holds(self.p_equal)

    @property
    def equals_oracle(self) -> bool:
        return _holds(self.p_oracle)

    @property
    def cannot_tell(self) -> bool:
        """Tested, and neither worse than the best nor equal to it."""
        tested = self.rank > 1 and self.p_different is not None
        worse = self.behind and _holds(self.p_different)
        return tested and not worse and not _holds(self.p_equal)


@dataclass(frozen=True)
class Reach:
    """How far the original is from the oracle, and another oracle (the floor); p of the one-sided test."""

    original: float
    floor: float
    p: float | None

    @property
    def can_tell(self) -> bool | None:
        """Whether methods can be told apart here; None where that cannot be tested and does not show."""
        if self.original <= self.floor + ROUNDING:
            return False
        return None if self.p is None else _holds(self.p)


@dataclass(frozen=True)
class Aim:
    """What rows are ranked by: a metric, paired by origin without the keys of `by`."""

    key: str
    meaning: Meaning
    by: Sequence[str] = ()
    margin: float | None = None
    """Differences below it count for nothing; None: the floor."""

    @property
    def distance(self) -> bool:
        """Whether it is a distance to the oracle."""
        return self.key == AVERAGE or self.meaning.better == "oracle"


@dataclass(frozen=True)
class Ranking:
    """Places by group, None without rank; and the reach, None where there is no floor or no original."""

    places: Sequence[Place | None]
    reach: Reach | None = None


def ranked(groups: Sequence[Group], aim: Aim, references: Sequence[Group], floor: Floor) -> Ranking:
    """Each group's place by the mean of its scores, and how far the original is from the oracle.

    Several runs of one original count once, as in the tests. Rows with a destroyed model come after all
    others. Equal means share a rank. A group without the metric, or with a mean that is not finite, has no
    place.
    """
    found = [_scores(group.runs, aim) for group in groups]
    means = [fmean(map(fmean, one.values())) if one else nan for one in found]
    order = sorted(
        (any(run.result["warnings"] for run in group.runs), mean, index)
        for index, (group, mean) in enumerate(zip(groups, means, strict=True))
        if isfinite(mean)
    )
    known = {group.name: _scores(group.runs, aim, measured_only=True) for group in references}
    everything = [run for group in groups for run in group.runs]
    scores = _laid_out([found[index] for *_, index in order], everything, known, aim, floor)
    reach = _reach(scores, floor.mean(aim.key))
    places: list[Place | None] = [None] * len(groups)
    claimed = claims(scores, best=0) if order else None
    for row, (destroyed, mean, index) in enumerate(order):
        assert claimed
        rank = 1 + sum((other, value) < (destroyed, mean - ROUNDING) for other, value, _ in order)
        change = _mean(scores.rows[row] - scores.original)
        beats = change is None or change < -ROUNDING
        fit = beats and not destroyed and (reach is None or reach.can_tell is not False)
        behind = (_mean(scores.rows[row] - scores.rows[0]) or 0) > 0
        tested = (claimed.different, claimed.original, claimed.equal, claimed.oracle)
        places[index] = Place(rank, rank == 1 and fit, beats, behind, *(_p(one[row]) for one in tested))
    return Ranking(places, reach)


def _scores(runs: Sequence[Run], aim: Aim, measured_only: bool = False) -> Scored:
    """By origin: numbers, the lower the better; of references none of what their training cost."""
    found: dict[str, list[float]] = {}
    for run in runs:
        wanted = not measured_only or aim.key == AVERAGE or aim.key in run.result["metrics"]
        if wanted and (value := score(run, aim.key, aim.meaning)) is not None:
            found.setdefault(origin(run, aim.by), []).append(value)
    return found


def _laid_out(
    rows: Sequence[Scored], runs: Sequence[Run], references: Mapping[str, Scored], aim: Aim, floor: Floor
) -> Scores:
    """The scores as arrays over all origins, those of equal ones averaged."""
    pairs = sorted({pair for one in rows for pair in one})

    def line(scored: Scored) -> Array:
        return np.array([fmean(scored[pair]) if pair in scored else nan for pair in pairs])

    parts: dict[str, list[float]] = {}
    for run in runs if floor.mean(aim.key) is not None else ():
        if (part := floor.beside(run, aim.key)) is not None:
            parts.setdefault(origin(run, aim.by), []).append(part)
    another = line(parts)
    oracle = line(references.get(ORACLE, {}))
    if aim.distance:
        oracle = another if parts else np.zeros(len(pairs))
    margin = another if aim.margin is None else np.full(len(pairs), aim.margin)
    lines = np.stack([line(one) for one in rows]) if rows else np.empty((0, len(pairs)))
    return Scores(lines, line(references.get(ORIGINAL, {})), oracle, another, margin, aim.distance)


def _reach(scores: Scores, floor: float | None) -> Reach | None:
    original = _mean(scores.original if scores.distances else scores.original - scores.oracle)
    if original is None or floor is None:
        return None
    return Reach(abs(original), floor, _p(p_beyond(scores)))


def _mean(values: Array) -> float | None:
    """Of those that are there."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else None


def _p(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _holds(p: float | None) -> bool:
    return p is not None and p <= ALPHA
