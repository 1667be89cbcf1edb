"""What is chosen as a whole: samples, classes, prompts, and any other column's values."""

import numpy as np
import pytest

from unlearn_cli.errors import InputError
from unlearn_cli.forget.units import Units


def test_samples(data, splits):
    units = Units.of("sample", data, splits.train)
    assert len(units) == 24
    assert units.names.tolist() == units.rows.tolist() == splits.train.tolist()
    assert units.rows_of(np.array([5, 2])).tolist() == splits.train[[2, 5]].tolist()
    values = np.arange(24.0)
    assert units.mean(values).tolist() == values.tolist()


def test_classes(data, splits):
    units = Units.of("class", data, splits.train)
    assert units.names.tolist() == ["airplane", "bird", "cat", "dog"]
    chosen = units.rows_of(np.array([2]))
    assert len(chosen) == 6
    assert chosen.tolist() == splits.train[data.labels[splits.train] == 2].tolist()


def test_the_mean_over_units_of_uneven_size(data, splits):
    units = Units.of("Male", data, splits.train)
    assert units.names.tolist() == ["False", "True"]
    values = np.random.default_rng(0).random(24)
    male = data.columns["Male"][splits.train].astype(bool)
    assert 0 < male.sum() < 12
    np.testing.assert_allclose(units.mean(values), [values[~male].mean(), values[male].mean()])


def test_prompts(data, splits):
    data.columns["prompt"] = np.array([f"a painting of a {c} in style {c % 2}" for c in data.labels], object)
    units = Units.of("prompt", data, splits.train)
    assert len(units) == 4
    chosen = units.rows_of(np.array([0, 3]))
    assert chosen.tolist() == splits.train[np.isin(data.labels[splits.train], [0, 3])].tolist()


def test_units_that_the_training_split_lacks_do_not_count(data):
    rows = np.arange(4, 9)
    units = Units.of("celeb_id", data, rows)
    assert units.names.tolist() == ["2", "3", "4"]
    assert units.mean(np.array([1.0, 3.0, 5.0, 7.0, 9.0])).tolist() == [2, 6, 9]


@pytest.mark.parametrize("unit", ["prompt", "classes", "Class"])
def test_an_unknown_column(data, splits, unit):
    with pytest.raises(InputError) as caught:
        Units.of(unit, data, splits.train)
    assert str(caught.value) == (
        f"forget.unit: no column '{unit}' in faces; "
        "give sample, class or one of label, Male, domain, celeb_id"
    )
