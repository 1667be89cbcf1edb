import numpy as np
import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.experiment import checked
from unlearn_cli.forget.random import Random


def test_a_fraction_of_the_training_rows(data, splits):
    chosen = Random(fraction=0.25, count=None, seed=3).select(data, splits)
    assert len(chosen.rows) == 6
    assert np.isin(chosen.rows, splits.train).all()
    assert (np.diff(chosen.rows) > 0).all()
    assert chosen.kind == "random"
    assert chosen.facts == {"fraction": 0.25, "count": None, "seed": 3}


def test_a_count_of_the_training_rows(data, splits):
    assert len(Random(fraction=None, count=5, seed=0).select(data, splits).rows) == 5


def test_the_seed_fixes_the_rows(data, splits):
    one, same, other = (
        Random(fraction=0.5, count=None, seed=seed).select(data, splits) for seed in (0, 0, 1)
    )
    assert one.fingerprint == same.fingerprint
    assert one.fingerprint != other.fingerprint


def test_all_rows_are_drawn_equally_often(data, splits):
    drawn = np.zeros(40)
    for seed in range(400):
        drawn[Random(fraction=0.25, count=None, seed=seed).select(data, splits).rows] += 1
    # 400 draws at 1/4: mean 100, standard deviation 8.7
    assert (abs(drawn[splits.train] - 100) < 40).all()


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5])
def test_fraction_out_of_range(fraction):
    with pytest.raises(InputError, match=r"forget\.fraction: input should be (greater|less) than"):
        checked(Random, {"fraction": fraction, "count": None, "seed": 0}, "forget")


@pytest.mark.parametrize(("fraction", "count", "said"), [(None, None, "neither"), (0.1, 5, "both")])
def test_both_or_neither(fraction, count, said):
    with pytest.raises(InputError, match=rf"forget\.fraction, forget\.count: {said} given; give one"):
        checked(Random, {"fraction": fraction, "count": count, "seed": 0}, "forget")


def test_a_fraction_that_rounds_to_nothing(data, splits):
    with pytest.raises(InputError, match=r"forget: fraction=0\.01, seed=0 chooses none of 24 training rows"):
        Random(fraction=0.01, count=None, seed=0).select(data, splits)


def test_a_count_that_leaves_nothing(data, splits):
    with pytest.raises(InputError, match=r"count=24, seed=0 chooses all 24 training rows; none is retained"):
        Random(fraction=None, count=24, seed=0).select(data, splits)
    with pytest.raises(InputError, match=r"forget\.count: 25 of 24 training rows"):
        Random(fraction=None, count=25, seed=0).select(data, splits)


def test_copies_among_the_retained_rows_are_told(data, splits, caplog):
    data.copies = np.arange(40)
    Random(fraction=0.25, count=None, seed=1).select(data, splits)
    assert caplog.messages == []
    chosen = Random(fraction=0.25, count=None, seed=1).select(data, splits)
    kept = np.setdiff1d(splits.train, chosen.rows)
    data.copies[kept[:2]] = chosen.rows[:2]
    data.copies[splits.val[0]] = chosen.rows[3]
    Random(fraction=0.25, count=None, seed=1).select(data, splits)
    assert caplog.messages == [
        "forget: 2 of 6 rows have an exact copy among the retained rows; "
        "data.duplicates=drop leaves one of each"
    ]
