"""The floor under every gap: how far oracles of the same forgotten rows are from each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import fmean

from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import Oracle, oracles_of
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.gaps import avg_gap, gaps

Values = Mapping[str, float]


@dataclass(frozen=True)
class Floor:
    """Of one table."""

    oracles: Sequence[Run]
    """Those that another of the same rows stands beside."""
    pairs: Mapping[str, Sequence[float]]
    """By metric: the gap of each two of them."""
    parts: Mapping[str, Values]
    """By an oracle's identity and metric: its part in the floor."""

    def mean(self, key: str) -> float | None:
        """The mean gap of two oracles; None where there are none, or not finite."""
        found = fmean(self.pairs[key]) if self.pairs.get(key) else None
        return found if found is not None and isfinite(found) else None

    def beside(self, run: Run, key: str) -> float | None:
        """The floor's part of the run's own oracles: what the run's score is paired with.

        Over seeds the parts have the floor as mean, and their deviation gives its standard error. The floor
        is a U-statistic of the oracles: of oracle i the part is U + 2 (Uᵢ − U), where Uᵢ is its mean gap to
        the others (Hájek's projection; van der Vaart, Asymptotic Statistics, 12.1). The Uᵢ alone vary too
        little, since each pair is in two of them.
        """
        found = [self.parts.get(oracle.identity, {}).get(key) for oracle in oracles_of(run)]
        known = [part for part in found if part is not None]
        return fmean(known) if known else None


def floor_of(runs: Sequence[Run]) -> Floor:
    """The floor of these runs: oracles of all of them with the same forgotten rows are laid together."""
    pools: dict[str, dict[str, Oracle]] = defaultdict(dict)
    for run in runs:
        for oracle in oracles_of(run):
            if oracle.rows:
                pools[oracle.rows].setdefault(oracle.identity, oracle)
    oracles: list[Run] = []
    pairs: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, Values] = {}
    for pool in pools.values():
        if len(pool) < 2:
            continue
        own, of = laid_together([oracle.run.result["metrics"] for oracle in pool.values()])
        oracles += [oracle.run for oracle in pool.values()]
        parts |= dict(zip(pool, of, strict=True))
        for key, values in own.items():
            pairs[key] += values
    return Floor(oracles, pairs, parts)


def laid_together(oracles: Sequence[Values]) -> tuple[dict[str, list[float]], list[dict[str, float]]]:
    """By metric the gaps of all pairs of these oracles; and of each oracle its part in the floor."""
    pairs: dict[str, list[float]] = defaultdict(list)
    beside: list[dict[str, list[float]]] = [defaultdict(list) for _ in oracles]
    for one, other in combinations(range(len(oracles)), 2):
        gap = gaps(oracles[one], oracles[other])
        average = avg_gap(gap)
        for key, value in (gap if average is None else {**gap, AVERAGE: average}).items():
            for found in (pairs, beside[one], beside[other]):
                found[key].append(value)
    means = {key: fmean(values) for key, values in pairs.items()}
    return pairs, [{key: 2 * fmean(own[key]) - means[key] for key in own} for own in beside]
