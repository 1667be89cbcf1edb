"""What a table claims of its rows: different from the best, equal to the best, equal to the oracle."""

from dataclasses import dataclass

import numpy as np

from unlearn_cli.compare.hypotheses import Array, holm, p_below, p_different


@dataclass(frozen=True)
class Scores:
    """What rows are ranked by, the lower the better; the last axis is pairs (seeds), nan where none is."""

    rows: Array
    """(rows, pairs)"""
    original: Array
    """(pairs,) of the model before unlearning."""
    oracle: Array
    """(pairs,) of the oracle; of distances to it, how far another oracle is (0 where there is none)."""
    floor: Array
    """(pairs,) how far another oracle is."""
    margin: Array
    """(pairs,) differences below it count for nothing."""
    distances: bool
    """Whether the scores are distances to the oracle, which cannot be too small."""


@dataclass(frozen=True)
class Claims:
    """p-values of each row, (rows,), after Holm's correction; nan where there are fewer than PAIRS pairs."""

    different: Array
    """From the best row; of all pairs of rows, the original among them, since data choose which is best."""
    original: Array
    """From the original; of the same pairs."""
    equal: Array
    """To the best row, by two one-sided tests: farther than the margin neither above nor below it."""
    oracle: Array
    """To the oracle; a distance exceeds another oracle's by less than the margin."""


def claims(scores: Scores, best: int) -> Claims:
    """Test every row against the best, the original and the oracle."""
    rows, margin = scores.rows, scores.margin
    everything = np.vstack([rows, scores.original[None]])
    one, other = np.triu_indices(len(everything), 1)
    p = np.full((len(everything),) * 2, np.nan)
    p[one, other] = p[other, one] = holm(p_different(everything[one] - everything[other]))
    from_best, from_oracle = rows - rows[best], rows - scores.oracle
    others = np.arange(len(rows)) != best
    equal = np.where(others, np.maximum(p_below(from_best - margin), p_below(-from_best - margin)), np.nan)
    near = p_below(from_oracle - margin)
    if not scores.distances:
        near = np.maximum(near, p_below(-from_oracle - margin))
    return Claims(p[best, :-1], p[-1, :-1], holm(equal), holm(near))


def p_beyond(scores: Scores) -> float:
    """p that the original is farther from the oracle than another oracle; nan of fewer than PAIRS."""
    away = scores.original - scores.oracle
    if scores.distances:
        return float(p_below(-away))
    side = np.sign(away[np.isfinite(away)].sum())
    return float(p_below(scores.floor - side * away))
