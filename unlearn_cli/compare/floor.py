"""The floor under every gap: how far oracles of the same forgotten rows are from each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import fmean

from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import Oracle, oracles_of
from unlearn_cli.evaluation.gaps import avg_gap, gaps

AVERAGE = "avg_gap"

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
    pairs: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, Values] = {}
    found = [list(pool.values()) for pool in pools.values() if len(pool) > 1]
    for oracles in found:
        own, of = _gaps(oracles)
        parts |= of
        for key, values in own.items():
            pairs[key] += values
    return Floor([oracle.run for oracles in found for oracle in oracles], pairs, parts)


def _gaps(oracles: Sequence[Oracle]) -> tuple[dict[str, list[float]], dict[str, dict[str, float]]]:
    """By metric the gaps of all pairs; by oracle and metric its part."""
    pairs: dict[str, list[float]] = defaultdict(list)
    sums: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one, other in combinations(oracles, 2):
        gap = gaps(one.run.result["metrics"], other.run.result["metrics"])
        average = avg_gap(gap)
        for key, value in (gap if average is None else {**gap, AVERAGE: average}).items():
            pairs[key].append(value)
            for oracle in (one, other):
                sums[oracle.identity][key].append(value)
    means = {key: fmean(values) for key, values in pairs.items()}
    parts = {
        identity: {key: 2 * fmean(values) - means[key] for key, values in own.items()}
        for identity, own in sums.items()
    }
    return pairs, parts
