from math import inf, isnan, nan, sqrt

import pytest

from unlearn_cli.compare.statistics import Estimate, estimate, paired_p


def test_mean_deviation_and_t_interval_by_hand():
    found = estimate([1.0, 2.0, 3.0, 4.0], "t")
    std = sqrt(5 / 3)
    half = 3.182446305284263 * std / 2  # the 97.5 % quantile of Student's t with 3 degrees of freedom
    assert (found.n, found.mean) == (4, 2.5)
    assert found.std == pytest.approx(std)
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))


def test_bootstrap_interval_by_hand():
    """Of two values the resampled mean is the lower or the higher with a quarter each, so 2.5 % is there."""
    found = estimate([0.0, 1.0], "bootstrap")
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)


def test_intervals_are_reproducible_and_differ():
    values = [1.0, 2.0, 4.0, 9.0]
    assert estimate(values, "bootstrap") == estimate(values, "bootstrap")
    assert estimate(values, "bootstrap") != estimate(values, "t")


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_few_or_equal_values(interval):
    assert estimate([], interval) is None
    assert estimate([3.5], interval) == Estimate(1, 3.5, None, None, None)
    assert estimate([0.1, 0.1, 0.1], interval) == Estimate(3, 0.1, 0.0, 0.1, 0.1)
    assert isinstance(estimate([450, 450], interval).mean, int)


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_a_value_that_is_not_finite_is_not_passed_over(interval):
    found = estimate([1.0, nan, 2.0], interval)
    assert isnan(found.mean)
    assert (found.n, found.std, found.low, found.high) == (3, None, None, None)
    assert estimate([1.0, inf], interval) == Estimate(2, inf, None, None, None)
    assert isnan(estimate([inf, -inf], interval).mean)


def test_paired_t_test_by_hand():
    """Differences 1, 2, 3: t = 2 √3; with 2 degrees of freedom p = 1 − t / √(2 + t²)."""
    t = 2 * sqrt(3)
    one, other = {"a": 5.0, "b": 2.0, "c": 7.0}, {"a": 4.0, "b": 0.0, "c": 4.0}
    assert paired_p(one, other) == pytest.approx(1 - t / sqrt(2 + t**2))
    assert paired_p(other, one) == pytest.approx(paired_p(one, other))


def test_only_common_seeds_are_paired():
    one = {"a": 5.0, "b": 2.0, "c": 7.0, "only here": 1000.0}
    other = {"a": 4.0, "b": 0.0, "c": 4.0, "only there": -1000.0}
    assert paired_p(one, other) == pytest.approx(0.0741799, abs=1e-6)


def test_paired_test_without_anything_to_test():
    assert paired_p({"a": 1.0}, {"a": 2.0}) is None
    assert paired_p({"a": 1.0, "b": 2.0}, {"a": 2.0, "c": 2.0}) is None
    assert paired_p({"a": 1.0, "b": nan}, {"a": 2.0, "b": 2.0}) is None
    assert paired_p({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}) == 1.0
    assert paired_p({"a": 1.0, "b": 2.0}, {"a": 0.5, "b": 1.5}) == 0.0


def test_rounding_is_no_difference():
    assert paired_p({"a": 0.1 + 0.2, "b": 0.1 + 0.2}, {"a": 0.3, "b": 0.3}) == 1.0
