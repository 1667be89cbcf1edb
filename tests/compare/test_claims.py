"""Claims over simulated tables of known truth: no difference, a true one, one as large as the margin."""

from math import sqrt

import numpy as np
import pytest

from unlearn_cli.compare.claims import Scores, claims, p_beyond
from unlearn_cli.compare.floor import laid_together
from unlearn_cli.compare.hypotheses import ALPHA

SPREAD = {"UA": 1.5, "RA": 0.2, "TA": 0.8, "MIA": 1.2}
"""Standard deviations of an oracle over seeds, in points."""
SHIFT = np.array([1, 0, -1, 1])
"""Where a method that is not the oracle moves to."""
FLOOR = float(np.mean([2 * std / sqrt(np.pi) for std in SPREAD.values()]))
"""The expected mean gap of two oracles."""
FAR, FARTHER = 2.6006, 4.0836
"""Shifts after which a method's expected gap is 2 and 3 floors (checked below)."""
DRAWS = [pytest.param(150, id="150"), pytest.param(1000, id="1000", marks=pytest.mark.thorough)]


def models(random, shift, *shape):
    return random.normal(size=(*shape, 4)) * list(SPREAD.values()) + np.multiply.outer(shift, SHIFT)


def tables(rows, original=10.0, n=5, draws=150):
    """Scores of simulated tables: rows whose models are shifted by so much, n seeds of one forget set."""
    random = np.random.default_rng([n, draws])
    for _ in range(draws):
        oracles = models(random, 0.0, n)
        _, parts = laid_together([dict(zip(SPREAD, one, strict=True)) for one in oracles])
        floor = np.array([part["avg_gap"] for part in parts])
        gaps = np.abs(
            models(random, np.repeat([*rows, original], n).reshape(-1, n), len(rows) + 1, n) - oracles
        )
        *scores, before = gaps.mean(-1)
        yield Scores(np.array(scores), before, floor, floor, floor, distances=True)


def share(found):
    return float(np.mean(list(found)))


def at_most(rate, draws):
    """With three standard errors of so many draws; of 20,000 draws the rates are 4.4 to 5.5 %."""
    return rate + 3 * sqrt(rate * (1 - rate) / draws)


def best(scores):
    return int(scores.rows.mean(-1).argmin())


def test_the_truth_is_what_it_is_said_to_be():
    random = np.random.default_rng(0)
    for shift, floors in ((0, 1), (FAR, 2), (FARTHER, 3)):
        gap = np.abs(models(random, shift, 200_000) - models(random, 0, 200_000)).mean()
        assert gap == pytest.approx(floors * FLOOR, rel=0.01)


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_where_nothing_differs_nothing_is_called_different(n, draws):
    """Four methods and the original are alike: in at most 5 % of tables one is told from the best."""
    found = [claims(scores, best(scores)) for scores in tables([FAR] * 4, original=FAR, n=n, draws=draws)]
    wrong = share(np.nanmin([*one.different, *one.original]) <= ALPHA for one in found)
    assert wrong <= at_most(ALPHA, draws)


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_true_difference_is_not_called_equality(n, draws):
    """One method as the oracle, one three floors from it: told apart with ten seeds, never called equal."""
    found = [claims(scores, 0) for scores in tables([0.0, FARTHER], n=n, draws=draws)]
    assert share(one.equal[1] <= ALPHA or one.oracle[1] <= ALPHA for one in found) <= at_most(0.01, draws)
    assert share(one.different[1] <= ALPHA for one in found) >= {3: 0.1, 5: 0.7, 10: 0.98}[n]
    assert share(one.original[0] <= ALPHA for one in found) >= {3: 0.5, 5: 0.98, 10: 1}[n]


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_difference_as_large_as_the_margin_is_rarely_called_equality(n, draws):
    """Two floors from the oracle, and one floor farther than the best: both equalities are just not true."""
    found = [claims(scores, 0) for scores in tables([0.0, FAR], n=n, draws=draws)]
    assert share(one.equal[1] <= ALPHA for one in found) <= at_most(ALPHA, draws)
    assert share(one.oracle[1] <= ALPHA for one in found) <= at_most(ALPHA, draws)


@pytest.mark.parametrize("draws", DRAWS)
def test_over_a_table_all_just_not_equal(draws):
    """Six methods two floors away: in at most 5 % of tables any is called equal to the oracle."""
    found = [claims(scores, best(scores)) for scores in tables([FAR] * 6, draws=draws)]
    assert share(one.oracle.min() <= ALPHA for one in found) <= at_most(ALPHA, draws)


@pytest.mark.parametrize("draws", DRAWS)
def test_equality_is_found(draws):
    """Two methods that are retraining: with ten seeds they are equal to the oracle and to each other."""
    found = [claims(scores, best(scores)) for scores in tables([0.0, 0.0], n=10, draws=draws)]
    assert share(one.oracle.max() <= ALPHA for one in found) >= 0.9
    assert share(np.nanmax(one.equal) <= ALPHA for one in found) >= 0.9


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_an_original_that_is_the_oracle_is_rarely_found_beyond_the_floor(n, draws):
    found = [p_beyond(scores) for scores in tables([0.0], original=0.0, n=n, draws=draws)]
    assert share(p <= ALPHA for p in found) <= at_most(ALPHA, draws)
    if n > 3:
        assert share(p_beyond(s) <= ALPHA for s in tables([0.0], n=n, draws=draws)) >= 0.98


@pytest.mark.parametrize("draws", DRAWS)
@pytest.mark.parametrize("n", [3, 5, 10])
def test_numbers_that_are_no_distances_are_equal_within_both_sides(n, draws):
    """A metric of deviation 1: the floor is 2 / √π; above or below the oracle by that is just not equal."""
    random, floor = np.random.default_rng(n), 2 / sqrt(np.pi)

    def drawn(shift):
        oracles = random.normal(size=n)
        pairs = np.abs(oracles[:, None] - oracles)
        part = 2 * pairs.sum(1) / (n - 1) - pairs.sum() / n / (n - 1)
        row = random.normal(shift, 1, size=(1, n))
        return Scores(row, oracles, oracles, part, part, distances=False)

    for side in (-floor, floor):
        found = [claims(drawn(side), 0).oracle[0] for _ in range(draws)]
        assert share(p <= ALPHA for p in found) <= at_most(ALPHA, draws)
    if n == 10:
        assert share(claims(drawn(0.0), 0).oracle[0] <= ALPHA for _ in range(draws)) >= 0.25


def test_with_another_margin_no_floor_is_needed():
    rows = np.array([[1.0, 1.1, 0.9], [1.3, 1.2, 1.4]])
    absent = np.full(3, np.nan)
    found = claims(Scores(rows, absent, np.zeros(3), absent, np.full(3, 2.0), distances=True), 0)
    assert (found.equal[1] <= ALPHA, *(found.oracle <= ALPHA)) == (True, True, True)
    assert np.isnan([*found.original, found.different[0], found.equal[0]]).all()
    close = claims(Scores(rows, absent, np.zeros(3), absent, np.full(3, 0.2), distances=True), 0)
    assert close.equal[1] > ALPHA
