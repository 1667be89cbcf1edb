"""Parts of the variance against numbers that can be worked out, and against draws of known variance."""

import numpy as np
import pytest

from unlearn_cli.compare.variance import Parts, parts, pays_most


def test_a_balanced_design_by_hand():
    """Means 1, 5 and 6; within each a variance of 2, between the means one of 7 = train + 2 / 2."""
    found = parts([[0.0, 2.0], [4.0, 6.0], [5.0, 7.0]])
    assert (found.originals, found.runs, found.per_original) == (3, 6, 2)
    assert found.unlearn == pytest.approx(2)
    assert found.train == pytest.approx(7 - 2 / 2)
    assert found.of_mean == pytest.approx(6 / 3 + 2 / 6)


def test_what_is_not_parted():
    assert parts([]) is None
    assert parts([[1.0], [2.0], [3.0]]) is None
    assert parts([[1.0, float("nan")], [2.0]]) is None
    assert parts([[1.0, 3.0]]) == Parts(1, 2, None, pytest.approx(2), None)
    assert parts([[1.0, 3.0], []]).originals == 1
    assert parts([[0.0, 9.0], [1.0, 8.0]]).train == 0, "no variance is negative"


def test_a_deterministic_method_has_one_result_for_each_original():
    found = parts([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]])
    assert (found.unlearn, found.train, found.of_mean) == (0, pytest.approx(2), pytest.approx(1))
    assert pays_most(found, 1000.0, 0.001) == "training"


@pytest.mark.parametrize("numbers", [[4] * 6, [1, 2, 3, 4, 6, 8]])
def test_draws_of_known_variance(numbers):
    """Both parts, and the variance of the mean, are right in the mean over many tables."""
    draw = np.random.default_rng(0)
    tables = []
    for _ in range(1500):
        originals = draw.normal(0, 2, len(numbers))
        tables.append([list(draw.normal(one, 3, n)) for one, n in zip(originals, numbers, strict=True)])
    found = [parts(table) for table in tables]
    assert np.mean([one.unlearn for one in found]) == pytest.approx(9, rel=0.05)
    assert np.mean([one.train for one in found]) == pytest.approx(4, rel=0.15)  # none is below 0
    means = [np.mean([np.mean(own) for own in table]) for table in tables]
    assert np.mean([one.of_mean for one in found]) == pytest.approx(np.var(means), rel=0.15)


@pytest.mark.parametrize(
    ("train", "unlearn", "seconds", "pays"),
    [
        (4.0, 1.0, (100.0, 10.0), "training"),  # most of it is not averaged out by unlearnings
        (0.1, 10.0, (100.0, 1.0), "unlearning"),
        (0.1, 10.0, (0.0, 1.0), "training"),
        (0.0, 0.0, (100.0, 1.0), None),
        (None, 1.0, (100.0, 1.0), "training"),
    ],
)
def test_what_pays(train, unlearn, seconds, pays):
    assert pays_most(Parts(3, 6, train, unlearn, None), *seconds) == pays
