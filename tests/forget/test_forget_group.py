"""Rows by the value of a column; a value that is wholly forgotten leaves validation and test, too."""

import numpy as np
import pytest

from unlearn_cli.data.splits import divide
from unlearn_cli.errors import InputError
from unlearn_cli.forget.group import Group


def select(data, splits, column, values, fraction=None):
    return Group(column=column, values=values, fraction=fraction, seed=0).select(data, splits)


@pytest.mark.parametrize(
    ("column", "values", "belongs"),
    [
        ("Male", [True], lambda row: row % 3 == 0),
        ("domain", ["photo"], lambda row: row < 20),
        ("celeb_id", [4, 5], lambda row: 8 <= row < 12),
        ("label", ["cat"], lambda row: row % 4 == 2),
    ],
)
def test_rows_by_the_value_of_a_column(data, splits, column, values, belongs):
    chosen = select(data, splits, column, values)
    assert chosen.rows.tolist() == [row for row in splits.train if belongs(row)]
    assert chosen.classes == ((2,) if column == "label" else ())


def test_a_part_of_a_group(data, splits):
    whole = select(data, splits, "domain", ["photo"])
    half = select(data, splits, "domain", ["photo"], 0.5)
    assert len(half.rows) == round(len(whole.rows) / 2)
    assert np.isin(half.rows, whole.rows).all()


def test_a_whole_group_is_told_apart_from_what_is_tested(data, splits):
    sets, men = divide(splits, select(data, splits, "Male", [True]), data), data.columns["Male"]
    for part in (sets.retain, sets.val, sets.test):
        assert len(part)
        assert not men[part].any()
    assert sets.test_forgotten.tolist() == [33, 36, 39]
    assert sorted([*sets.val, *sets.val_forgotten]) == splits.val.tolist()
    assert sets.classes == ()


def test_a_part_of_a_group_is_not_wholly_forgotten(data, splits):
    sets = divide(splits, select(data, splits, "Male", [True], 0.5), data)
    assert sets.test.tolist() == splits.test.tolist()
    assert not len(sets.test_forgotten)
    assert not len(sets.val_forgotten)


def test_unknown_column(data, splits):
    with pytest.raises(InputError, match=r"forget\.column: no column 'male'; .*Male, domain, celeb_id"):
        select(data, splits, "male", [True])


def test_a_value_that_is_not_there(data, splits):
    with pytest.raises(InputError, match=r"forget\.values: no value 'photos'; did you mean 'photo'\?"):
        select(data, splits, "domain", ["photos"])
    with pytest.raises(InputError, match=r"forget\.values: no value '99'; there is 0, 1, .* more"):
        select(data, splits, "celeb_id", [99])


def test_every_value(data, splits):
    with pytest.raises(InputError, match=r"chooses all 24 training rows"):
        select(data, splits, "Male", [True, False])
