import numpy as np
import pytest

from unlearn_cli.data.captions import as_captioned
from unlearn_cli.data.splits import divide
from unlearn_cli.errors import InputError
from unlearn_cli.forget.by_class import ByClass


def select(data, splits, classes, fraction=None):
    return ByClass(classes=classes, fraction=fraction, seed=0).select(data, splits)


@pytest.mark.parametrize("classes", [["bird", "dog"], [1, 3], ["bird", 3], [3, 1, 1]])
def test_whole_classes_by_name_or_number(data, splits, classes):
    chosen = select(data, splits, classes)
    assert chosen.rows.tolist() == [row for row in splits.train if row % 4 in (1, 3)]
    assert chosen.classes == (1, 3)
    sets = divide(splits, chosen, data)
    assert set(data.labels[sets.test]) == {0, 2}
    assert sets.test_forgotten.tolist() == [33, 35, 37, 39]


def test_a_part_of_a_class_leaves_the_test_set_whole(data, splits):
    chosen = select(data, splits, ["cat"], 0.5)
    assert len(chosen.rows) == 3
    assert set(data.labels[chosen.rows]) == {2}
    assert chosen.classes == ()
    assert len(divide(splits, chosen, data).test) == 8


def test_a_name_that_is_a_number_goes_before_a_position(data, splits):
    data.classes = ["3", "2", "1", "0"]
    assert np.unique(data.labels[select(data, splits, [3]).rows]).tolist() == [0]


def test_a_class_that_does_not_exist(data, splits):
    with pytest.raises(InputError, match=r"forget\.classes: no class 'aeroplane'; did you mean 'airplane'\?"):
        select(data, splits, ["aeroplane"])
    with pytest.raises(InputError, match=r"forget\.classes: no class '4'; there is airplane, bird, cat, dog"):
        select(data, splits, [4])


def test_all_classes(data, splits):
    with pytest.raises(InputError, match=r"chooses all 24 training rows; none is retained"):
        select(data, splits, [0, 1, 2, 3])


def test_of_captioned_images_the_next_class_is_the_anchor(data, splits):
    captioned = as_captioned(data, "an image of a {label}")
    assert captioned.classes[1] == "an image of a bird"
    assert captioned.columns["label"].tolist() == data.columns["label"].tolist()
    found = ByClass(classes=["bird", "cat"], fraction=None, seed=0).select(captioned, splits)
    assert set(captioned.columns["label"][found.rows]) == {"bird", "cat"}
    assert set(captioned.columns["label"][found.anchors]) == {"dog"}
    assert np.isin(found.anchors, np.setdiff1d(splits.train, found.rows)).all()
    last = ByClass(classes=["dog"], fraction=0.5, seed=0).select(captioned, splits)
    assert set(captioned.columns["caption"][last.anchors]) == {"an image of a airplane"}
    assert as_captioned(captioned, "other") is captioned
