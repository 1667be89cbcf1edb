"""The floor under every gap: how far oracles of the same forgotten rows are from each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from statistics import fmean

from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import Oracle, all_oracles, oracles_of
from unlearn_cli.evaluation.floor import gaps_of_pairs

Values = Mapping[str, float]


@dataclass(frozen=True)
class Floor:
    """Of one table."""

    oracles: Sequence[Run]
    """Those that another of the same rows stands beside."""
    pairs: Mapping[str, Sequence[float]]
    """By metric: the gap of each two of them."""
    parts: Mapping[str, Sequence[float]]
    """By metric: of each oracle its part in the floor."""
    shares: Mapping[str, Values]
    """By the identity of an oracle that is a run's own, and metric: that run's share in the floor."""
    sets: Mapping[str, Values]
    """By the forgotten rows and metric: their own floor."""

    def mean(self, key: str) -> float | None:
        """The mean gap of an oracle to another, each oracle counted once; None of none, or not finite."""
        found = fmean(self.parts[key]) if self.parts.get(key) else None
        return found if found is not None and isfinite(found) else None

    def under(self, runs: Sequence[Run], key: str) -> float | None:
        """The mean floor of these runs' own forget sets, as far as it is known; None where it is not."""
        own = [oracle.rows for run in runs for oracle in oracles_of(run)[:1] if oracle.rows in self.sets]
        known = [self.sets[rows][key] for rows in own if rows and key in self.sets[rows]]
        found = fmean(known) if known else None
        return found if found is not None and isfinite(found) else None

    def beside(self, run: Run, key: str) -> float | None:
        """The run's share in the floor: what its score is paired with.

        Over seeds the shares have the floor as mean, and their deviation gives its standard error. The floor
        is a U-statistic of the oracles: of oracle i the part is U + 2 (Uᵢ − U), where Uᵢ is its mean gap to
        the others (Hájek's projection; van der Vaart, Asymptotic Statistics, 12.1). The Uᵢ alone vary too
        little, since each pair is in two of them.
        """
        own = oracles_of(run)[:1]
        return self.shares.get(own[0].identity, {}).get(key) if own else None


def floor_of(runs: Sequence[Run]) -> Floor:
    """The floor of these runs: oracles of all of them with the same forgotten rows are laid together."""
    pools: dict[str, dict[str, Oracle]] = defaultdict(dict)
    for oracle in all_oracles(runs):
        if oracle.rows:
            pools[oracle.rows][oracle.identity] = oracle
    owned = {oracle.identity for run in runs for oracle in oracles_of(run)[:1]}
    oracles: list[Run] = []
    pairs: dict[str, list[float]] = defaultdict(list)
    parts: dict[str, list[float]] = defaultdict(list)
    shares: dict[str, Values] = {}
    sets: dict[str, Values] = {}
    for rows, pool in pools.items():
        if len(pool) < 2:
            continue
        own, of = laid_together([oracle.run.result["metrics"] for oracle in pool.values()])
        oracles += [oracle.run for oracle in pool.values()]
        shares |= _shared_out(dict(zip(pool, of, strict=True)), owned)
        sets[rows] = {key: fmean(values) for key, values in own.items()}
        for key, values in own.items():
            pairs[key] += values
            parts[key] += [part[key] for part in of if key in part]
    return Floor(oracles, pairs, parts, shares, sets)


def _shared_out(parts: Mapping[str, Values], owned: Set[str]) -> dict[str, Values]:
    """The parts of the oracles that are runs' own, each with its share of the other oracles' parts.

    Each oracle is in one share alone: shares that had oracles in common would vary too little over seeds.
    The mean of the shares is the floor.
    """
    own = [identity for identity in parts if identity in owned]
    others = [identity for identity in parts if identity not in owned]
    common = set.intersection(*(set(part) for part in parts.values()))
    means = {key: fmean(part[key] for part in parts.values()) for key in common}
    found: dict[str, Values] = {}
    for place, identity in enumerate(own):
        share = [parts[identity], *(parts[other] for other in others[place :: len(own)])]
        weight = len(own) / len(parts)
        found[identity] = {
            key: mean + weight * sum(part[key] - mean for part in share) for key, mean in means.items()
        }
    return found


def laid_together(oracles: Sequence[Values]) -> tuple[dict[str, list[float]], list[dict[str, float]]]:
    """By metric the gaps of all pairs of these oracles; and of each oracle its part in the floor."""
    pairs: dict[str, list[float]] = defaultdict(list)
    beside: list[dict[str, list[float]]] = [defaultdict(list) for _ in oracles]
    for (one, other), gap in zip(combinations(range(len(oracles)), 2), gaps_of_pairs(oracles), strict=True):
        for key, value in gap.items():
            for found in (pairs, beside[one], beside[other]):
                found[key].append(value)
    means = {key: fmean(values) for key, values in pairs.items()}
    return pairs, [{key: 2 * fmean(own[key]) - means[key] for key in own} for own in beside]
