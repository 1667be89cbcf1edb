"""Six training rows (4 and 5 of class b) and a test row; three identities of two rows."""

import csv

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from unlearn_cli.compare.selection import search_summary
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.forget import account
from unlearn_cli.forget.account import FEW, compositions, example_images, write_account
from unlearn_cli.forget.selection import Selection, ValueShare
from unlearn_cli.forget.units import Units

ROWS = np.arange(6)


def made(labels, **columns) -> Resident:
    """Images 1 x 1 whose pixel is their row's number; the last is the test row."""
    count = len(labels)
    return Resident.of(
        torch.arange(count).remainder(256).to(torch.uint8).reshape(count, 1, 1, 1),
        np.array(labels),
        name="made",
        classes=["a", "b"],
        train_rows=np.arange(count - 1),
        test_rows=np.array([count - 1]),
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
        columns=columns,
    )


@pytest.fixture
def data():
    return made(
        [0, 0, 0, 0, 1, 1, 1],
        blond=np.array([True, True, False, False, False, False, True]),
        identity=np.array(["x", "y", "z", "x", "y", "z", "z"], dtype=object),
        constant=np.full(7, "photo", dtype=object),
    )


@pytest.fixture
def drawn(monkeypatch) -> dict[str, tuple]:
    """What the figures were to be drawn from; none is drawn."""
    asked: dict[str, tuple] = {}
    for name in ("draw_weights", "draw_composition", "draw_extremes"):
        monkeypatch.setattr(account, name, lambda *given, name=name: asked.update({name: given}))
    return asked


def selection(weights, losses) -> Selection:
    """Two upper iterations that ended in these weights and mean losses."""
    row = {"objective": 1.0, "loss_selected": 0.1, "loss_others": 0.2, "kept": 1.0, "random": 0.5}
    return Selection(np.array(weights), np.array(weights), 2 * np.array(losses), [row, row])


def table(path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_samples_are_listed_by_weight_and_of_equal_weights_by_loss(data, tmp_path, drawn):
    found = selection([1, 0, 0.25, 0, 0.75, 0], [0.5, 0.3, 0.1, 0.2, 0.4, 0.1])
    write_account(found, Units.of("sample", data, ROWS), np.array([1, 4]), "worst", data, tmp_path)
    assert table(tmp_path / "difficulty.csv") == [
        ["rank", "unit", "label", "weight", "loss", "selected", "random"],
        ["1", "0", "a", "1", "0.5", "1", "0"],
        ["2", "4", "b", "0.75", "0.4", "1", "1"],
        ["3", "2", "a", "0.25", "0.1", "0", "0"],
        ["4", "5", "b", "0", "0.1", "0", "0"],
        ["5", "3", "a", "0", "0.2", "0", "0"],
        ["6", "1", "a", "0", "0.3", "0", "1"],
    ]


def test_the_easiest_set_has_the_larger_loss_first_among_equal_weights(data, tmp_path, drawn):
    found = selection([1, 0, 1, 0, 1, 0], [0.5, 0.3, 0.1, 0.2, 0.4, 0.1])
    write_account(found, Units.of("sample", data, ROWS), np.array([0, 1]), "easiest", data, tmp_path)
    rows = table(tmp_path / "difficulty.csv")[1:]
    assert [row[1] for row in rows] == ["0", "4", "2", "1", "3", "5"]
    assert [row[5] for row in rows] == ["1", "1", "0", "0", "0", "0"]


def test_the_composition_of_whole_identities(data, tmp_path, drawn):
    """Identity y is rows 1 and 4: one blond, one of each class."""
    found = selection([0.2, 0.7, 0.1], [0.2, 0.1, 0.3])
    write_account(found, Units.of("identity", data, ROWS), np.array([2]), "worst", data, tmp_path)
    assert table(tmp_path / "difficulty.csv")[1:] == [
        ["1", "y", "", "0.7", "0.1", "1", "0"],  # rows of both classes: no label
        ["2", "x", "a", "0.2", "0.2", "0", "0"],
        ["3", "z", "", "0.1", "0.3", "0", "1"],
    ]
    header, *rows = table(tmp_path / "composition.csv")
    assert header == ["column", "value", "selected", "all", "share_of_selected", "share_of_all"]
    assert [row[:4] for row in rows] == [
        ["label", "b", "1", "2"],
        ["label", "a", "1", "4"],
        ["blond", "True", "1", "2"],
        ["blond", "False", "1", "4"],
        ["identity", "y", "2", "2"],
        ["identity", "x", "0", "2"],
        ["identity", "z", "0", "2"],
    ]
    np.testing.assert_allclose([float(row[4]) for row in rows], [0.5, 0.5, 0.5, 0.5, 1, 0, 0])
    np.testing.assert_allclose(
        [float(row[5]) for row in rows], [1 / 3, 2 / 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3]
    )


def test_classes_as_units(data, tmp_path, drawn):
    found = selection([0.1, 0.9], [0.3, 0.2])
    write_account(found, Units.of("class", data, ROWS), np.array([1]), "worst", data, tmp_path)
    assert table(tmp_path / "difficulty.csv")[1] == ["1", "b", "b", "0.9", "0.2", "1", "1"]
    assert table(tmp_path / "composition.csv")[1:3] == [
        ["label", "b", "2", "2", "1.0", "0.3333333333333333"],
        ["label", "a", "0", "4", "0.0", "0.6666666666666666"],
    ]


def test_a_value_without_selected_rows_and_one_of_test_rows_only(data):
    parts = compositions(data, np.array([0, 1]), np.arange(4))
    assert parts == {
        "blond": [ValueShare("True", 2, 2, 1, 0.5), ValueShare("False", 0, 2, 0, 0.5)],
        "identity": [
            ValueShare("y", 1, 1, 0.5, 0.25),
            ValueShare("x", 1, 2, 0.5, 0.5),
            ValueShare("z", 0, 1, 0, 0.25),
        ],
    }


def test_columns_of_more_than_fifty_values_are_left_out():
    count = 2 * FEW + 2
    many = np.arange(count + 1)
    data = made([0, 1] * (count // 2) + [0], few=many % FEW, many=many % (FEW + 1))
    parts = compositions(data, np.arange(10), np.arange(count))
    assert list(parts) == ["label", "few"]
    assert len(parts["few"]) == FEW


def test_the_figures_are_images_and_an_empty_composition_is_none(data, tmp_path):
    units = Units.of("sample", data, ROWS)
    write_account(
        selection([1, 1, 0, 0, 0, 0], np.zeros(6)), units, np.array([0, 1]), "worst", data, tmp_path
    )
    for name in ("weights", "composition", "extremes"):
        pixels = imread(tmp_path / f"{name}.png")
        assert min(pixels.shape[:2]) > 250
        assert pixels[..., :3].std() > 0.05
    data.columns = {"constant": data.columns["constant"]}
    write_account(selection([1, 0, 0, 0, 0, 0], np.zeros(6)), units, ROWS[:1], "worst", data, tmp_path / "2")
    assert {file.name for file in (tmp_path / "2").iterdir()} == {
        "difficulty.csv", "composition.csv", "weights.png", "extremes.png",
    }  # fmt: skip
    assert len(table(tmp_path / "2" / "composition.csv")) == 1


@pytest.mark.parametrize(
    ("unit", "order", "names", "pixels"),
    [("sample", [4, 0], ["b", "a"], [4, 0]), ("identity", [2, 0], ["z", "x"], [2, 0])],
)
def test_a_unit_is_shown_by_its_first_training_image(data, unit, order, names, pixels):
    images = example_images(Units.of(unit, data, ROWS), np.array(order), 1, data)
    assert [image.name for image in images] == names
    assert [int(image.image[0, 0, 0]) for image in images] == pixels
    assert [image.selected for image in images] == [True, False]


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(2, [(0, True), (1, True), (2, False)], [(3, False), (4, False), (5, False)]),
     (4, [(0, True), (1, True), (2, True)], [(3, True), (4, False), (5, False)])],
)  # fmt: skip
def test_of_few_units_each_end_has_half_and_the_selected_are_marked(
    data, tmp_path, drawn, count, first, last
):
    found = selection([6, 5, 4, 3, 2, 1], np.zeros(6))
    write_account(found, Units.of("sample", data, ROWS), ROWS[:count], "easiest", data, tmp_path)
    *ends, mode, _, _ = drawn["draw_extremes"]
    assert [[(int(one.image[0, 0, 0]), one.selected) for one in end] for end in ends] == [first, last]
    assert mode == "easiest"
    assert drawn["draw_weights"][0].tolist() == [6, 5, 4, 3, 2, 1]


def told_of(mode="worst", unit="sample", **found):
    return search_summary(
        {"kind": "worst_case", "count": 50, "facts": {"mode": mode, "unit": unit}, "found": found}
    )


FOUND = {
    "selected": 50,
    "units": 502,
    "random": 0.12,
    "loss_selected": 0.00123,
    "loss_others": 0.3149,
    "iterations": 20,
    "seconds": 31.4,
}


def test_a_selection_is_told_in_a_line():
    assert told_of(**FOUND) == (
        "worst_case: 50 of 502 samples, 20 upper iterations, 31 s; 12 % lie in a random set of this size too "
        "(chance: 10 %); mean loss 0.0012 of the selected, 0.31 of the others"
    )


def test_whole_classes_and_the_easiest_set_are_told():
    assert told_of("easiest", "class", **FOUND | {"random": 1.0, "selected": 1, "units": 10}).startswith(
        "worst_case (easiest): 1 of 10 classes, 20 upper iterations, 31 s; "
        "100 % lie in a random set of this size too (chance: 10 %); mean loss"
    )


def test_a_set_that_took_no_search_is_not_told():
    assert (
        search_summary({"kind": "random", "count": 5, "facts": {"fraction": 0.1, "seed": 0}, "found": {}})
        == ""
    )
