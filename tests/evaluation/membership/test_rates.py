import numpy as np
import pytest
from scipy.stats import binomtest, norm

from unlearn_cli.evaluation.membership.rates import area, curve, rates


def draws(count: int, members: int, others: int, shift: float):
    """Scores whose AUC is Φ(shift / √2)."""
    rng = np.random.default_rng(0)
    member = np.arange(members + others) < members
    for _ in range(count):
        yield rng.normal(size=members + others) + shift * member, member


@pytest.mark.parametrize("seed", range(3))
def test_the_area_counts_pairs_and_ties_half(seed):
    rng = np.random.default_rng(seed)
    inside, outside = rng.integers(0, 6, 30), rng.integers(0, 5, 17)
    pairs = [(a > b) + (a == b) / 2 for a in inside for b in outside]
    assert area(inside, outside).value == pytest.approx(100 * np.mean(pairs))


@pytest.mark.parametrize(
    ("members", "others", "shift"), [(50, 50, 0), (20, 200, 0), (40, 40, 1), (40, 40, 2.5)]
)
def test_the_areas_interval_holds_the_truth_as_often_as_it_says(members, others, shift):
    truth = 100 * norm.cdf(shift / np.sqrt(2))
    holds = [
        estimate.low <= truth <= estimate.high
        for scores, member in draws(600, members, others, shift)
        for estimate in [area(scores[member], scores[~member])]
    ]
    assert 0.925 < np.mean(holds) < 0.985


def test_where_all_pairs_are_right_the_interval_still_has_a_width():
    perfect = area(np.ones(20), np.zeros(20))
    assert perfect.value == perfect.high == 100
    assert 80 < perfect.low < 99
    worst = area(np.zeros(20), np.ones(20))
    assert (worst.low, worst.value, worst.high) == (0, 0, pytest.approx(100 - perfect.low))


def test_equal_scores_tell_nothing():
    found = rates(np.zeros(400), np.arange(400) < 200)
    assert (found["AUC"].value, found["TPR_1"].value) == (50, 0)
    assert found["balanced"].value == 50
    assert curve(np.zeros(4), np.arange(4) < 2).true.tolist() == [0, 1]


@pytest.mark.parametrize("shift", [0, 1])
def test_the_threshold_of_the_balanced_accuracy_is_chosen_by_other_rows(shift):
    """In the mean no more than the best threshold's: where there is nothing to find, 50 %."""
    best = 100 * norm.cdf(shift / 2)
    found = [rates(scores, member)["balanced"] for scores, member in draws(300, 40, 40, shift)]
    mean = np.mean([estimate.value for estimate in found])
    assert best - 4 < mean < best + 1
    if shift == 0:
        assert abs(mean - 50) < 1
        assert 0.92 < np.mean([estimate.low <= 50 <= estimate.high for estimate in found]) < 0.995


def test_a_threshold_chosen_by_the_rows_that_it_judges_would_find_what_is_not_there():
    best = [np.max(c.true + 1 - c.false) / 2 for c in (curve(*draw) for draw in draws(100, 40, 40, 0))]
    assert np.mean(best) > 0.55


@pytest.mark.parametrize(("share", "name"), [(1, "TPR_1"), (0.1, "TPR_01")])
def test_true_positives_at_the_lowest_threshold_with_few_enough_false_ones(share, name):
    rng = np.random.default_rng(0)
    member = np.arange(2300) < 300
    scores = np.round(rng.normal(size=2300) + member, 2)  # ties
    estimate = rates(scores, member)[name]
    found = max(
        int((scores[member] > threshold).sum())
        for threshold in scores
        if (scores[~member] > threshold).mean() <= share / 100
    )
    assert estimate.value == pytest.approx(100 * found / 300)
    exact = binomtest(found, 300).proportion_ci(0.95, "exact")
    assert (estimate.low, estimate.high) == (pytest.approx(100 * exact.low), pytest.approx(100 * exact.high))


def test_too_few_non_members_are_said_to_be_so():
    found = rates(np.arange(300.0), np.arange(300) >= 200)
    assert (found["TPR_1"].value, found["TPR_1"].high) == (100, 100)
    assert found["TPR_01"].value is None
    assert found["TPR_01"].why == "0.1 % of 200 non-members is less than one; 1000 are needed"
    assert "nothing can be said" in rates(np.arange(3.0), np.array([True, True, False]))["AUC"].why


def test_the_curve_is_the_counts_above_each_score():
    scores, member = np.array([3.0, 2, 2, 1, 0]), np.array([True, True, False, True, False])
    found = curve(scores, member)
    assert found.false.tolist() == [0, 0, 0.5, 0.5, 1]
    np.testing.assert_allclose(found.true, [0, 1 / 3, 2 / 3, 1, 1])
    exact = [binomtest(k, 3).proportion_ci(0.95, "exact") for k in (0, 1, 2, 3, 3)]
    np.testing.assert_allclose(found.low, [interval.low for interval in exact], atol=1e-12)
    np.testing.assert_allclose(found.high, [interval.high for interval in exact], atol=1e-12)
