"""Confidence intervals: by hand, within what a metric can be, and how often they hold the mean."""

from math import exp, inf, log, sqrt

import numpy as np
import pytest

from unlearn_cli.compare.statistics import estimate
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning

PERCENT, SECONDS = MEANINGS["UA"].bounds, MEANINGS["seconds"].bounds
T2 = 4.302652729749464  # the 97.5 % quantile of Student's t with 2 degrees of freedom


def ends(values, bounds=(-inf, inf), interval="t"):
    found = estimate(values, interval, bounds)
    return found.low, found.high


def test_bounds_by_unit():
    assert ((0, 100), (0, inf)) == (PERCENT, SECONDS)
    assert MEANINGS["avg_gap"].bounds == (0, inf)
    assert MEANINGS["Mem_drop"].bounds == (-inf, inf)
    assert Meaning("mine", "V", "higher", "").bounds == (-inf, inf)


def test_students_t_where_it_stays_inside():
    assert ends([40.0, 50.0, 60.0], PERCENT) == ends([40.0, 50.0, 60.0])


def test_the_logit_where_it_would_not():
    """UA 0, 2, 7: Student's t is [-5.9, 11.9]."""
    half = T2 * sqrt(13) / sqrt(3)
    away = half / 100 / (0.03 * 0.97)
    logits = log(0.03 / 0.97) - away, log(0.03 / 0.97) + away
    assert ends([0.0, 2.0, 7.0], PERCENT) == pytest.approx([100 / (1 + exp(-x)) for x in logits])
    low, high = ends([0.0, 2.0, 7.0], PERCENT)
    assert ends([100.0, 98.0, 93.0], PERCENT) == pytest.approx((100 - high, 100 - low))
    assert ends([0.0, 0.0, 100.0], PERCENT)[0] > 0


def test_the_logarithm_where_there_is_one_bound():
    """RTE of 1, 2 and 12 s: Student's t is [-10.1, 20.1] s."""
    half = T2 * sqrt(37) / sqrt(3)
    assert ends([1.0, 2.0, 12.0], SECONDS) == pytest.approx((5 * exp(-half / 5), 5 * exp(half / 5)))


def test_bounds_that_a_value_violates_are_none():
    assert ends([-1.0, 0.5, 3.0], SECONDS) == ends([-1.0, 0.5, 3.0])


def test_the_bootstrap_by_hand_and_again():
    """Of three values a resampled mean is the lowest of them with 1/27, more than 2.5 %."""
    assert ends([0.0, 1.0, 2.0], interval="bootstrap") == (0.0, 2.0)
    values = [1.0, 2.0, 4.0, 9.0]
    assert ends(values, interval="bootstrap") == ends(values, interval="bootstrap") != ends(values)


@pytest.mark.thorough
@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize(
    ("draw", "mean", "bounds"),
    [
        pytest.param(lambda random, n: 100 * random.beta(1, 33, n), 100 / 34, PERCENT, id="near 0 %"),
        pytest.param(lambda random, n: 100 * random.beta(49, 1, n), 98.0, PERCENT, id="near 100 %"),
        pytest.param(lambda random, n: random.gamma(2, 5, n), 10.0, SECONDS, id="seconds"),
        pytest.param(lambda random, n: random.normal(50, 5, n), 50.0, PERCENT, id="inside"),
    ],
)
def test_they_hold_the_mean_about_as_often_as_they_say(draw, mean, bounds, n):
    random = np.random.default_rng(0)
    found = [ends(list(draw(random, n)), bounds) for _ in range(1000)]
    assert all(bounds[0] <= low <= high <= bounds[1] for low, high in found)
    assert 0.89 <= np.mean([low <= mean <= high for low, high in found]) <= 0.98
