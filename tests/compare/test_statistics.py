from math import inf, isnan, nan, sqrt

import pytest

from unlearn_cli.compare.statistics import Estimate, estimate


def test_mean_deviation_and_t_interval_by_hand():
    found = estimate([1.0, 2.0, 3.0, 4.0], "t")
    std = sqrt(5 / 3)
    half = 3.182446305284263 * std / 2  # the 97.5 % quantile of Student's t with 3 degrees of freedom
    assert (found.n, found.mean) == (4, 2.5)
    assert found.std == pytest.approx(std)
    assert (found.low, found.high) == pytest.approx((2.5 - half, 2.5 + half))


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_few_or_equal_values(interval):
    assert estimate([], interval) is None
    assert estimate([3.5], interval) == Estimate(1, 3.5, None, None, None)
    assert estimate([3.0, 5.0], interval) == Estimate(2, 4.0, pytest.approx(sqrt(2)), None, None)
    assert estimate([0.1, 0.1], interval) == Estimate(2, 0.1, 0.0, None, None)
    assert estimate([0.1, 0.1, 0.1], interval) == Estimate(3, 0.1, 0.0, None, None)
    assert estimate([inf, inf, inf], interval) == Estimate(3, inf, None, None, None)
    assert isinstance(estimate([450, 450], interval).mean, int)


@pytest.mark.parametrize("interval", ["t", "bootstrap"])
def test_a_value_that_is_not_finite_is_not_passed_over(interval):
    found = estimate([1.0, nan, 2.0], interval)
    assert isnan(found.mean)
    assert (found.n, found.std, found.low, found.high) == (3, None, None, None)
    assert estimate([1.0, inf], interval) == Estimate(2, inf, None, None, None)
    assert isnan(estimate([inf, -inf], interval).mean)
