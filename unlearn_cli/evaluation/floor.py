"""The floor of every gap: how far oracles of the same rows, of other seeds, are from each other.

A model that is retrained once more has unlearned perfectly, and yet lies as far from the oracle as that. No
gap below it tells a better method (compare Lanyon et al., arXiv:2510.26714, on the spread over seeds).
"""

from collections.abc import Mapping, Sequence
from itertools import combinations

from unlearn_cli.evaluation.gaps import avg_gap, gaps

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
    pairs = [gaps(one, other) for one, other in combinations(oracles, 2)]
    if not pairs:
        return None
    common = [name for name in pairs[0] if all(name in pair for pair in pairs)]
    found = {name: sum(pair[name] for pair in pairs) / len(pairs) for name in common}
    average = avg_gap(found)  # a mean of means, whichever is taken first
    return found if average is None else found | {AVERAGE: average}


def average_gaps(oracles: Sequence[Mapping[str, float]]) -> list[float]:
    """The Avg Gap of each two oracles, where it is defined; their mean is the floor's."""
    found = [avg_gap(gaps(one, other)) for one, other in combinations(oracles, 2)]
    return [value for value in found if value is not None]
