"""The floor of every gap: how far oracles of the same rows, of other seeds, are from each other.

A model that is retrained once more has unlearned perfectly, and yet lies as far from the oracle as that. No
gap below it tells a better method (compare Lanyon et al., arXiv:2510.26714, on the spread over seeds).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from unlearn_cli.evaluation.gaps import avg_gap, gaps
from unlearn_cli.evaluation.spread import by_metric

AVERAGE = "avg_gap"


def floor(oracles: Sequence[Mapping[str, float]]) -> dict[str, float] | None:
    """Mean gap of an oracle to each other one, by metric, and `avg_gap` where it is defined.

    Each oracle is judged, as a method is, against each other one; a gap is symmetric, so each pair counts
    once. Without bias for the expected gap of a perfect method whose seed is independent of its oracle's; one
    that starts from an original of that oracle's seed may come nearer.

    Args:
        oracles: the metrics of each, in the metrics' units; a metric that one of them lacks is left out.

    Returns:
        None of fewer than two oracles.
    """
    pairs = gaps_of_pairs(oracles)
    return {name: sum(values) / len(values) for name, values in by_metric(pairs).items()} if pairs else None


def gaps_of_pairs(oracles: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """The gaps of each two oracles, in `combinations`' order, and `avg_gap` where it is defined."""
    found = [gaps(one, other) for one, other in combinations(oracles, 2)]
    return [gap if (average := avg_gap(gap)) is None else gap | {AVERAGE: average} for gap in found]
