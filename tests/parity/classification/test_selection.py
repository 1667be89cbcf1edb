"""The upper level of a worst-case selection (Fan et al., ECCV 2024) as the release's `optimize_select`."""

import numpy as np
import pytest

from unlearn_cli.forget.bilevel import advance, is_finished, upper_step
from unlearn_cli.forget.selection import Selection
from unlearn_cli.forget.worst_case import WorstCase

LOSSES = np.array([0.21, 1.43, 0.08, 0.77, 0.32])
WEIGHTS = np.array([0.9, 0.1, 0.35, 0.65, 0.0])
GAMMA, ETA = 0.23, 0.17


def projected(point, mass):
    """clip(a − μ, 0, 1) of the mass, μ by bisection."""
    low, high = point.min() - 1, point.max()
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(point - middle, 0, 1).sum() > mass else (low, middle)
    return np.clip(point - low, 0, 1)


@pytest.mark.parametrize(("mode", "sign"), [("worst", 1), ("easiest", -1)])
def test_a_projected_step(mode, sign):
    """w ← P(w − η·(±ℓ + 2γ·w)), F = ±Σ w·ℓ + γ·‖w‖² before it.

    The release's `reverse_optimize_select` adds 2γ·w to w as well: there it is the penalty's sign that turns.
    """
    problem = WorstCase.model_construct(
        mode=mode, gamma=GAMMA, eta=ETA, step="plain", binarise_every=None, iterations=3
    )
    objective, after = upper_step(problem, WEIGHTS, LOSSES, LOSSES, 1)
    np.testing.assert_allclose(
        after, projected(WEIGHTS - ETA * (sign * LOSSES + 2 * GAMMA * WEIGHTS), 2), atol=1e-9
    )
    assert objective == pytest.approx(sign * (WEIGHTS @ LOSSES) + GAMMA * (WEIGHTS @ WEIGHTS))


@pytest.mark.parametrize("step", ["rank", "std"])
def test_scaled_steps(step):
    problem = WorstCase.model_construct(
        mode="worst", gamma=GAMMA, eta=ETA, step=step, binarise_every=None, iterations=3
    )
    slope = LOSSES + 2 * GAMMA * WEIGHTS
    ranks = np.array([1 + sum(other < own for other in slope) for own in slope]) / 5
    deviation = np.sqrt(((slope - slope.sum() / 5) ** 2).sum() / 5)
    expected = projected(WEIGHTS - ETA * (ranks if step == "rank" else slope / deviation), 2)
    np.testing.assert_allclose(upper_step(problem, WEIGHTS, LOSSES, LOSSES, 1)[1], expected, atol=1e-9)


def test_the_leader_and_binary_weights():
    """The m smallest sums of losses so far; in every `binarise_every`th iteration the m largest weights."""
    total = LOSSES + np.array([1.0, 0.0, 0.5, 0.0, 3.0])
    leader = WorstCase.model_construct(mode="worst", gamma=GAMMA, step="leader", binarise_every=None)
    assert upper_step(leader, WEIGHTS, LOSSES, total, 1)[1].tolist() == [0, 0, 1, 1, 0]
    plain = WorstCase.model_construct(mode="worst", gamma=0.0, eta=1e-3, step="plain", binarise_every=3)
    assert upper_step(plain, WEIGHTS, LOSSES, LOSSES, 3)[1].tolist() == [1, 0, 0, 1, 0]


def test_scores_are_the_mean_of_the_weights():
    """Or the last ones; of so many iterations as are asked for, or of as many as the top m stayed."""
    problem = WorstCase.model_construct(
        mode="worst", gamma=GAMMA, eta=ETA, step="plain", binarise_every=None, iterate="average"
    )
    selection, seen = Selection(WEIGHTS, WEIGHTS, np.zeros(5)), []
    for number in (1, 2, 3):
        advance(selection, problem, LOSSES[::-1] if number == 2 else LOSSES, number)
        seen.append(selection.weights)
    np.testing.assert_allclose(selection.scores, np.mean(seen, axis=0))
    last = problem.model_copy(update={"iterate": "last"})
    advance(selection, last, LOSSES, 4)
    np.testing.assert_allclose(selection.scores, selection.weights)


def test_the_end():
    problem = WorstCase.model_construct(iterations=9, patience=2, tolerance=0.02)
    assert is_finished(problem, [{"kept": 0.5}, {"kept": 0.98}, {"kept": 0.985}])
    assert not is_finished(problem, [{"kept": 1.0}, {"kept": 0.975}])
    assert is_finished(problem, [{"kept": 0.0}] * 9)
