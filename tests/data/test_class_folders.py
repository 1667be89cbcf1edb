"""What lies in a folder is what is read, or the line says what is not and why."""

import logging
import os

import numpy as np
import pytest

from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError


@pytest.fixture
def tree(tmp_path, noise):
    """tree("cat/1.png", …): a folder with a picture of its own at each path; 'cat/*3' is three of them."""

    def make(*paths, folder="tree"):
        place = tmp_path / folder
        images = iter(noise(200, seed=7))
        for path in paths:
            path, _, count = path.partition("*")
            for number in range(int(count or 1)):
                file = place / (f"{path}{number}.png" if count else path)
                file.parent.mkdir(parents=True, exist_ok=True)
                next(images).save(file)
        return place

    return make


@pytest.fixture
def said(caplog):
    """said(): what was said of the data since the last time."""
    caplog.set_level(logging.INFO, logger="unlearn")

    def messages():
        found = [message for message in caplog.messages if message.startswith("data: ")]
        caplog.clear()
        return found

    return messages


AUTO = {"val_split": "auto", "test_split": "auto"}


def count(data):
    """Images by class."""
    return {name: int((data.columns["label"] == name).sum()) for name in data.classes}


@pytest.mark.parametrize(
    "names",
    [
        ("bus", "steam train", "train station", "wind test rig"),
        ("bus", "train"),
        ("test", "validation set", "dev"),
        ("Train", "tram"),
        ("training shoes", "test-tube"),
    ],
)
def test_a_folder_that_holds_images_is_a_class_whatever_its_name(tree, load, said, names):
    data = load(tree(*(f"{name}/*6" for name in names)), **AUTO)
    assert count(data) == dict.fromkeys(sorted(names), 6)
    assert said() == []


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("Train", "Test"), ("TRAIN", "TEST"), ("training", "Testing")]
)
def test_folders_of_splits_are_found_in_any_case(tree, load, said, train, test):
    place = tree(f"{train}/cat/*4", f"{train}/dog/*4", f"{test}/cat/*2", f"{test}/dog/*2")
    for changes in (AUTO, {"train_split": train, "test_split": test}, {"test_split": "test"}):
        data = load(place, **changes)
        assert (len(data.train_rows), len(data.test_rows), data.val_rows) == (8, 4, None), changes
        assert all(file.startswith(f"{test}/") for file in data.columns["file"][data.test_rows])
    assert f"data: test rows are those of '{test}'" in said()


@pytest.mark.parametrize("val", ["valid", "val", "Validation", "dev"])
def test_a_folder_s_own_validation_split_is_used_and_told(tree, load, said, val):
    place = tree(*(f"{part}/{name}/*3" for part in ("train", val, "test") for name in ("cat", "dog")))
    data = load(place, **AUTO)
    assert [data.columns["file"][rows][0].split("/")[0] for rows in (data.val_rows, data.test_rows)] == [
        val,
        "test",
    ]
    parts = split(data, 0.5, 0)
    assert np.array_equal(parts.val, data.val_rows)
    assert np.array_equal(parts.train, data.train_rows)
    assert (len(parts.train), len(parts.val), len(parts.test)) == (6, 6, 6)
    assert said() == ["data: test rows are those of 'test'", f"data: validation rows are those of '{val}'"]
    load(place, **AUTO)
    assert len(said()) == 2, "the second time from the store"


def test_a_validation_split_alone_is_tested_on(tree, load, said):
    data = load(tree(*(f"{part}/{name}/*3" for part in ("train", "val") for name in ("cat", "dog"))), **AUTO)
    assert (len(data.train_rows), len(data.test_rows), data.val_rows) == (6, 6, None)
    assert said() == ["data: test rows are those of 'val'"]


def test_what_is_not_used_is_told(tree, load, said):
    place = tree(*(f"{part}/{name}/*4" for part in ("train", "test", "extra") for name in ("cat", "dog")))
    data = load(place)
    assert (len(data.train_rows), len(data.test_rows)) == (6, 2)
    assert said() == ["data: not used: split extra, test"]
    data = load(place, train_split="extra", test_split="test")
    assert (len(data.train_rows), len(data.test_rows)) == (8, 8)
    assert said() == ["data: not used: split train"]


def test_splits_of_any_name_are_asked_for(tree, load):
    place = tree(*(f"{part}/{name}/*4" for part in ("fold1", "fold2") for name in ("cat", "dog")))
    with pytest.raises(
        InputError, match=r"^data\.train_split: no folder 'train' in '.*'; there is fold1, fold2;"
    ):
        load(place, **AUTO)
    assert len(load(place, train_split="fold2", test_split="fold1").test_rows) == 8


def test_one_split_is_not_used_twice(tree, load):
    place = tree(*(f"{part}/{name}/*4" for part in ("train", "val") for name in ("cat", "dog")))
    with pytest.raises(
        InputError, match=r"^data\.val_split: 'val' is data\.test_split, too|^data\.test_split: 'val'"
    ):
        load(place, val_split="val", test_split="val")


def test_a_folder_around_all_is_no_class(tree, load):
    assert count(load(tree("PetImages/Cat/*4", "PetImages/Dog/*4"))) == {"Cat": 4, "Dog": 4}
    place = tree("a/b/train/Cat/*4", "a/b/train/Dog/*4", "a/b/test/Cat/*1", "a/b/test/Dog/*1", folder="deep")
    assert len(load(place, **AUTO).test_rows) == 2


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        (("cat/*3", "dog/*3", "stray.png"), r"'stray\.png' in '.*tree' has no folder of a class above it"),
        (("cat/*3", "dog/indoor/*3"), r"'dog/indoor/0\.png' in '.*tree' has more than one folder above it"),
        (
            ("train/cat/*3", "train/dog/*3", "one.png"),
            r"'one\.png' lies beside the folders of splits \(train\)",
        ),
        (("train/cat/*3", "bus/*3"), r"'bus/0\.png' lies beside the folders of splits \(train\)"),
        (
            ("train/cat/*3", "train/dog/big/*3"),
            r"'dog/big/0\.png' in '.*train' has more than one folder above",
        ),
        (("train/cat/*3", "train/1.png"), r"'1\.png' in '.*train' has no folder of a class above it"),
        (
            ("train/*3", "test/*3"),
            r"the images in '.*tree' lie in test, train, without a folder for each class",
        ),
    ],
)
def test_a_picture_in_the_way_is_named(tree, load, paths, told):
    with pytest.raises(InputError, match=rf"^data\.path: {told}") as caught:
        load(tree(*paths), **AUTO)
    assert "\n" not in str(caught.value)


def test_other_files_and_empty_folders_are_told(tree, load, said):
    place = tree("cat/*4", "dog/*4")
    (place / "more.zip").write_bytes(b"PK")
    (place / "cat" / "notes.txt").write_text("cats")
    (place / "README.md").write_text("pets")
    (place / "eel").mkdir()
    for leftover in (".DS_Store", "Thumbs.db", "cat/.hidden.png", "cat/Thumbs.db"):
        (place / leftover).write_bytes(b"")
    assert count(load(place)) == {"cat": 4, "dog": 4}
    assert said() == [
        "data: not read, being no images: cat/notes.txt, more.zip",
        "data: without an image: folder eel",
    ]


def test_links_are_followed(tree, load, tmp_path):
    place = tree("cat/*4", "dog/*3", folder="elsewhere")
    (linked := tmp_path / "linked").mkdir()
    (linked / "cat").symlink_to(place / "cat")
    (linked / "dog").mkdir()
    for file in (place / "dog").iterdir():
        (linked / "dog" / file.name).symlink_to(file)
    assert count(load(linked)) == {"cat": 4, "dog": 3}


def test_links_to_nothing_are_named(tree, load, said):
    place = tree("cat/*4", "dog/*4")
    (place / "dog" / "9.png").symlink_to("/nowhere/at/all.png")
    with pytest.raises(InputError, match=r"^data\.path: .*dog/9\.png cannot be read \(No such file"):
        load(place)
    assert count(load(place, skip_unreadable=True)) == {"cat": 4, "dog": 4}
    (place / "eel").symlink_to("/nowhere/at/all")
    with pytest.raises(
        InputError, match=r"^data\.path: 'eel' in '.*' is a link to nothing; mend or remove it"
    ):
        load(place)


def test_links_in_a_circle_are_named(tree, load):
    place = tree("cat/*4", "dog/*4")
    (place / "dog" / "up").symlink_to(place)
    with pytest.raises(InputError, match=r"^data\.path: 'dog/up' in '.*' is a link to a folder above it"):
        load(place)


def test_a_linked_folder_that_changes_is_read_anew(tree, load, tmp_path, noise):
    place = tree("cat/*4", "dog/*4", folder="elsewhere")
    (tmp_path / "linked").symlink_to(place)
    (tmp_path / "half").mkdir()
    for name in ("cat", "dog"):
        (tmp_path / "half" / name).symlink_to(place / name)
    before = load(tmp_path / "half")
    noise(1, seed=99)[0].save(place / "cat" / "0.png")
    os.utime(place / "cat" / "0.png", (1, 1))
    assert load(tmp_path / "half").fingerprint != before.fingerprint


def test_imagenet_s_folders_are_classes_by_their_words(tree, load):
    data = load(tree("n03028079/*3", "n01440764/*3", "n02979186/*3"))
    assert data.classes == ["cassette player", "church", "tench"]
    assert set(data.columns["file"][data.columns["label"] == "church"]) >= {"n03028079/0.png"}
    twins = load(tree("n02012849/*3", "n03126707/*3", folder="cranes"))
    assert twins.classes == ["crane (n02012849)", "crane (n03126707)"]


def test_classes_are_the_same_by_name_in_composed_letters(tree, load):
    data = load(tree("train/e\u0301te\u0301/*3", "train/hiver/*3", "test/\u00e9t\u00e9/*2"), **AUTO)
    assert data.classes == ["hiver", "\u00e9t\u00e9"]
    assert len(data.test_rows) == 2


def test_a_class_in_the_test_rows_alone_is_told(tree, load, said):
    data = load(tree("train/cat/*3", "train/dog/*3", "test/cat/*2", "test/eel/*2"), **AUTO)
    assert data.classes == ["cat", "dog", "eel"]
    assert "data: without a training row: class eel" in said()


@pytest.mark.parametrize(
    "name", ["$_{$", "[cat]", "two\nlines", "50 %", "a/b".replace("/", "\\"), "<b>", "🐈"]
)
def test_any_name_of_a_class(tree, load, name):
    assert load(tree(f"{name}/*3", "dog/*3")).classes == sorted([name, "dog"])


def test_a_name_that_is_no_utf_8(tree, load, noise):
    place = tree("dog/*3")
    odd = place / os.fsdecode(b"caf\xe9")
    odd.mkdir()
    for number, image in enumerate(noise(3)):
        with (odd / f"{number}.png").open("wb") as file:
            image.save(file, "PNG")
    data = load(place)
    assert count(data) == {"caf\\xe9": 3, "dog": 3}
    assert "caf\\xe9/0.png" in data.columns["file"]
    assert np.array_equal(
        data.image(int(np.flatnonzero(data.columns["file"] == "caf\\xe9/0.png")[0])), np.asarray(noise(3)[0])
    )
