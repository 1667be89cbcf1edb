"""Local data of other forms: tables beside images, what `save_to_disk` wrote, copies of hub repositories."""

import csv

import datasets
import pytest
from hub_settings import PETS

from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError
from unlearn_cli.forget.group import Group
from unlearn_cli.forget.indices import Indices
from unlearn_cli.forget.where import Where

AUTO = {"val_split": "auto", "test_split": "auto"}


def described(folder, images, labels, form="metadata.csv"):
    """Images and a table of their labels in a folder."""
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        image.save(folder / f"{number}.png")
    with (folder / form).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file_name", "label", "person"])
        writer.writerows([f"{number}.png", label, number % 2] for number, label in enumerate(labels))


@pytest.mark.parametrize("splits", [("train", "test"), ("Train", "TEST")])
def test_a_table_beside_images_gives_their_labels(noise, load, tmp_path, splits):
    place = tmp_path / "described"
    for seed, part in enumerate(splits):
        described(place / part, noise(6, seed=seed), ["steam train", "test rig"] * 3)
    data = load(place, **AUTO)
    assert data.classes == ["steam train", "test rig"]
    assert (len(data.train_rows), len(data.test_rows)) == (6, 6)
    assert data.columns["person"].tolist() == [0, 1] * 6


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        (Where(query="person == 1 and label == 'a'"), [1, 5]),
        (Group(column="person", values=1, fraction=None, seed=0), [1, 3, 5]),
        (Indices(file=None, rows=["train/2.png", "described/train/3.png"]), [2, 3]),
    ],
    ids=["query", "value", "files"],
)
def test_rows_to_forget_by_its_columns(noise, load, tmp_path, selector, wanted):
    place = tmp_path / "described"
    for seed, part in enumerate(("train", "test")):
        described(place / part, noise(6, seed=seed), ["b", "a", "a", "b", "b", "a"])
    data = load(place, **AUTO)
    chosen = selector.select(data, split(data, 0.0, 0))
    assert data.columns["file"][chosen.rows].tolist() == [f"train/{number}.png" for number in wanted]


def test_without_folders_of_splits_all_are_one(noise, load, tmp_path):
    described(tmp_path / "described", noise(8), ["a", "b"] * 4)
    assert len(load(tmp_path / "described")) == 8


def test_what_save_to_disk_wrote(noise, load, tmp_path):
    features = datasets.Features(PETS)
    parts = {
        name: datasets.Dataset.from_dict(
            {"image": noise(6, seed=seed), "label": [0, 1, 2] * 2}, features=features
        )
        for seed, name in enumerate(("train", "validation", "test"))
    }
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "saved")
    data = load(tmp_path / "saved", **AUTO)
    assert (len(data.train_rows), len(data.val_rows), len(data.test_rows)) == (6, 6, 6)
    parts["train"].save_to_disk(tmp_path / "one")
    assert len(load(tmp_path / "one", test_fraction=0.5)) == 6


def test_a_card_says_which_files_are_which_split(noise, write, load):
    place = write("alpha", {"image": noise(6), "label": [0, 1, 2] * 2}, PETS)
    write("beta", {"image": noise(3, seed=1), "label": [0, 1, 2]}, PETS)
    (place / "README.md").write_text(
        "---\nconfigs:\n- config_name: default\n  data_files:\n"
        "  - split: train\n    path: alpha-*\n  - split: test\n    path: beta-*\n---\n# Pets\n"
    )
    data = load(place, **AUTO)
    assert (len(data.train_rows), len(data.test_rows)) == (6, 3)


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"", b"\x89PNG"])
def test_a_file_that_is_no_table(load, tmp_path, content):
    (tmp_path / "data.zip").write_bytes(content)
    with pytest.raises(
        InputError, match=r"^data\.path: '.*data\.zip' cannot be read \(.*\); give a folder"
    ) as caught:
        load(tmp_path / "data.zip")
    assert "\n" not in str(caught.value)
