"""Labels of several parts are one set of classes, by name; a row without one is refused."""

import logging

import pytest
from datasets import ClassLabel, Image, Value

from unlearn_cli.errors import InputError


@pytest.fixture
def parts(noise, write):
    """parts(train=(values, feature), test=…): a folder of parquet files with these labels."""

    def of(**labels):
        for number, (part, (values, feature)) in enumerate(labels.items()):
            columns = {"image": noise(len(values), seed=number), "label": values}
            place = write(part, columns, {"image": Image(), "label": feature})
        return place

    return of


def named(data, rows):
    return data.columns["label"][rows].tolist()


CAT_DOG_BIRD = ClassLabel(names=["cat", "dog", "bird"])


@pytest.mark.parametrize(
    ("values", "feature"),
    [
        ([0, 1, 1], ClassLabel(names=["cat", "bird"])),
        ([1, 0, 0], ClassLabel(names=["bird", "cat"])),
        (["cat", "bird", "bird"], Value("string")),
        (["cat", "bird", "bird"], Value("large_string")),
    ],
)
def test_classes_are_the_same_by_name(parts, load, values, feature):
    data = load(parts(train=([0, 1, 2], CAT_DOG_BIRD), test=(values, feature)), test_split="test")
    assert named(data, data.train_rows) == ["cat", "dog", "bird"]
    assert named(data, data.test_rows) == ["cat", "bird", "bird"]
    assert sorted(data.classes) == ["bird", "cat", "dog"]


def test_texts_in_train_and_classes_in_test(parts, load):
    data = load(
        parts(train=(["cat", "dog", "bird"], Value("string")), test=([2, 0], CAT_DOG_BIRD)), test_split="test"
    )
    assert named(data, data.test_rows) == ["bird", "cat"]


def test_numbers_of_other_widths_keep_their_order(parts, load):
    train = ([10, 2, 1], Value("int64"))
    data = load(parts(train=train, test=([2, 10], Value("int8"))), test_split="test")
    assert data.classes == ["1", "2", "10"]
    assert named(data, data.test_rows) == [2, 10]


def test_numbers_and_names_are_not_guessed_at(parts, load):
    place = parts(train=([0, 1, 2], CAT_DOG_BIRD), test=([0, 1], Value("int64")))
    with pytest.raises(
        InputError, match=r"^data: the column 'label' holds classes by name in train and numbers"
    ):
        load(place, test_split="test")


@pytest.mark.parametrize(
    ("train", "test", "told"),
    [
        (([0, 1, 2], Value("int64")), ([-1, -1], Value("int64")), r"2 rows of 'label' are unlabelled \(-1\)"),
        (([0, 1, 2], CAT_DOG_BIRD), ([-1, 2], CAT_DOG_BIRD), r"1 rows of 'label' are unlabelled \(-1\)"),
        ((["a", "b"], Value("string")), (["a", None], Value("string")), "1 rows of 'label' have no label"),
        ((["a", "b"], Value("string")), (["a", " "], Value("string")), "1 rows of 'label' have no label"),
        (([0, 1], Value("int64")), ([None, 1], Value("int64")), "1 rows of 'label' have no label"),
    ],
)
def test_unlabelled_test_rows_are_refused(parts, load, train, test, told):
    with pytest.raises(
        InputError, match=rf"^data\.label_column: {told} in the test part; data\.test_split=null"
    ):
        load(parts(train=train, test=test), test_split="test")


def test_minus_one_is_a_class_where_there_is_no_zero(parts, load):
    labels = ([1, -1, 1, -1], Value("int64"))
    assert load(parts(train=labels, test=labels), test_split="test").classes == ["-1", "1"]


def test_a_class_of_the_test_rows_alone_is_told(parts, load, caplog):
    caplog.set_level(logging.INFO, logger="unlearn")
    place = parts(train=(["a", "b"], Value("string")), test=(["a", "c"], Value("string")))
    assert load(place, test_split="test").classes == ["a", "b", "c"]
    assert "data: without a training row: class c" in caplog.messages


@pytest.mark.parametrize("column", ["image", "label"])
def test_a_part_that_lacks_a_column_is_refused(noise, write, load, column):
    features = {"image": Image(), "label": Value("string")}
    write("train", {"image": noise(2), "label": ["a", "b"]}, features)
    other = {"image": noise(2), "label": ["a", "b"]}
    other[f"{column}s"] = other.pop(column)
    place = write("test", other, {name: features[name.removesuffix("s")] for name in other})
    with pytest.raises(
        InputError, match=rf"^data\.{column}_column: no column '{column}'; did you mean '{column}s'"
    ):
        load(place, test_split="test")


@pytest.mark.parametrize(
    ("names", "sizes"),
    [
        (("Train.parquet", "TEST.parquet"), (4, 2)),
        (("train/0000.parquet", "test/0000.parquet"), (4, 2)),
        (("my_training_data.parquet", "my-test-data.parquet"), (4, 2)),
        (("0.parquet", "1.parquet"), (4, 2)),
        (("wind-00000-of-00001.parquet", "train-00000-of-00001.parquet"), (2, 0)),
    ],
)
def test_parquet_files_say_their_split_in_any_case(parts, load, tmp_path, names, sizes):
    made = parts(train=(["a", "b", "a", "b"], Value("string")), test=(["a", "b"], Value("string")))
    place = tmp_path / "renamed"
    for old, name in zip(("train", "test"), names, strict=True):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (made / f"{old}-00000-of-00001.parquet").rename(place / name)
    data = load(place, test_split="auto", val_split="auto")
    assert (len(data.train_rows), len(data.test_rows)) == sizes


def test_a_parquet_file_of_no_split_beside_others_is_named(parts, load):
    place = parts(train=(["a", "b"], Value("string")), test=(["a", "b"], Value("string")))
    (place / "test-00000-of-00001.parquet").rename(place / "more.parquet")
    with pytest.raises(
        InputError, match=r"^data\.path: 'more\.parquet' in '.*' is of no split, others are of train"
    ):
        load(place)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../secret.png", "https://example.org/1.png", "file:///etc/passwd"]
)
def test_a_table_names_no_image_outside_its_folder(noise, write, load, path):
    stored = [*({"bytes": None, "path": path} for _ in range(2)), *noise(2)]
    place = write(
        "train", {"image": noise(4), "label": ["a", "b"] * 2}, {"image": Image(), "label": Value("string")}
    )
    import pyarrow as pa
    import pyarrow.parquet as pq

    image = pa.array([one if isinstance(one, dict) else None for one in stored[:2]])
    pq.write_table(pa.table({"image": image, "label": ["a", "b"]}), place / "train-00000-of-00001.parquet")
    with pytest.raises(
        InputError, match=r"^data\.image_column: 'image' names '.*', which is no file in '.*pictures'"
    ):
        load(place)


def test_images_that_a_table_names_are_looked_for_in_its_folder(noise, load, tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = tmp_path / "named"
    (place / "images").mkdir(parents=True)
    for number, image in enumerate(noise(8)):
        image.save(place / "images" / f"{number}.png")
    names = [f"images/{number}.png" for number in range(8)]
    pq.write_table(pa.table({"image": names, "label": ["a", "b"] * 4}), place / "train.parquet")
    data = load(place)
    assert data.columns["file"].tolist() == sorted(names, key=data.columns["file"].tolist().index)
    assert sorted(data.columns["file"]) == names
