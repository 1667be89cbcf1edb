"""What cannot be read as data, told in a line that says what to do; or skipped, if that is asked for."""

import errno
import io
import os

import datasets
import numpy as np
import pytest
from datasets import Image, Value
from hub_settings import PETS

from unlearn_cli.errors import InputError


def raises(match):
    return pytest.raises(InputError, match=match)


@pytest.mark.parametrize("path", ["./nowhere", "/nowhere/at/all", "~nobody/x", "a/b/c"])
def test_missing_path(load, path):
    with raises(rf"data\.path: no such folder '{path}'; give a folder"):
        load(path)


@pytest.mark.parametrize("path", [None, ""])
def test_no_path(load, path):
    with raises(r"data\.path: not set; give a folder"):
        load(path)


def test_no_network_and_no_local_copy(load):
    with raises(r"hub cannot be reached for 'some/set' .* data\.path=FOLDER, .* UNLEARN_DATA") as caught:
        load("some/set")
    assert "\n" not in str(caught.value)


def test_no_network_and_no_copy_where_unlearn_data_would_have_it(load, tmp_path):
    with raises(rf"UNLEARN_DATA \(paths\.data\) as '{tmp_path}/pictures', where there is none"):
        load("some/set", root=tmp_path)


def test_unreadable_parquet(load, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "train.parquet").write_bytes(b"PAR1 but no more")
    with raises(r"data\.path: '.*broken' cannot be read \(.*\); give a folder") as caught:
        load(tmp_path / "broken")
    assert "\n" not in str(caught.value)


def test_a_folder_without_data(load, tmp_path):
    (tmp_path / "empty").mkdir()
    with raises(r"data\.path: '.*empty' cannot be read"):
        load(tmp_path / "empty")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_not_blamed_on_the_data(one_split, load, monkeypatch, number):
    def full(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(datasets.DatasetBuilder, "download_and_prepare", full)
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        load(one_split)
    assert not isinstance(caught.value, InputError)


def test_missing_split(one_split, load):
    with raises(r"data\.test_split: no split 'test' in '.*'; there is train; data\.test_split=null"):
        load(one_split, test_split="test")


def test_missing_columns(one_split, load):
    with raises(r"data\.label_column: no column 'labels'; did you mean 'label'\?"):
        load(one_split, label_column="labels")
    with raises(r"data\.image_column: no column 'xyz'; there is image, label"):
        load(one_split, image_column="xyz")


def test_a_column_without_images(one_split, load):
    with raises(r"data\.image_column: 'label' holds .*, not images; the columns are image, label"):
        load(one_split, image_column="label")


def test_labels_that_are_no_classes(noise, write, load):
    place = write(
        "train", {"image": noise(2), "label": [0.5, 1.5]}, {"image": Image(), "label": Value("float32")}
    )
    with raises(r"data\.label_column: 'label' holds .*float32.*, not one class per row"):
        load(place)


def test_missing_labels(noise, write, load):
    text = {"image": Image(), "label": Value("string")}
    place = write("train", {"image": noise(3), "label": ["a", None, "b"]}, text)
    with raises(r"data\.label_column: 1 rows of 'label' have no label"):
        load(place)
    place = write("train", {"image": noise(3), "label": [0, -1, 1]}, PETS, "unlabelled")
    with raises(r"data\.label_column: 1 rows of 'label' are unlabelled \(-1\)"):
        load(place)


def test_a_single_class(noise, write, load):
    place = write("train", {"image": noise(3), "label": [1, 1, 1]}, PETS)
    with raises(r"data\.label_column: all rows of 'label' are of one class"):
        load(place)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_named_in_one_line(noise, load, tmp_path, monkeypatch, workers):
    monkeypatch.setattr("unlearn_cli.data.prepared.SAMPLE", 1)  # only the decoding meets it
    for number, image in enumerate(noise(8)):
        place = tmp_path / "tree" / ("ant" if number % 2 else "bee")
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{number}.bmp")
    (tmp_path / "tree" / "ant" / "5.bmp").write_bytes(b"not an image")
    with raises(r"data\.path: .*5\.bmp cannot be read \(no image\); mend it, or set data\.skip_un") as caught:
        load(tmp_path / "tree", workers=workers)
    assert "\n" not in str(caught.value)


def cut_short(image):
    """A JPEG whose last third is missing."""
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()[: file.tell() * 2 // 3]


def test_a_truncated_image_without_a_name_is_told_by_its_row(noise, write, load):
    stored = [{"bytes": cut_short(noise(1, size=(40, 40))[0]), "path": None}, *noise(3, size=(40, 40))]
    place = write("train", {"image": stored, "label": [0, 1] * 2}, PETS)
    with raises(r"data\.path: row [03] of 'image' cannot be read \(image file is truncated"):
        load(place)


@pytest.mark.parametrize("resident", [True, False])
def test_what_cannot_be_read_is_skipped_if_asked_and_told(noise, write, load, caplog, resident):
    """Rows 2 and 7 of 12; the other images stand where they stood."""
    images = noise(12, size=(40, 40))
    stored = [
        {"bytes": cut_short(image), "path": f"{row}.jpg"} if row in (2, 7) else image
        for row, image in enumerate(images)
    ]
    write("train", {"image": stored[:6], "label": [0, 1, 2] * 2}, PETS)
    place = write("test", {"image": stored[6:], "label": [2, 1, 0] * 2}, PETS)
    options = {"test_split": "test", "skip_unreadable": True, "resident": resident}
    for _ in range(2):  # the second time from the store
        caplog.clear()
        data = load(place, **options)
        assert caplog.messages == ["data: 2 images cannot be read and are left out: 2.jpg, 7.jpg"]
        assert data.labels.tolist() == [0, 1, 0, 1, 2, 2, 0, 2, 1, 0]
        assert data.train_rows.tolist() == [0, 1, 2, 3, 4]
        kept = [row for row in range(12) if row not in (2, 7)]
        assert all(np.array_equal(data.image(i), np.asarray(images[row])) for i, row in enumerate(kept))


def test_nothing_is_left_to_be_skipped(noise, write, load):
    broken = [{"bytes": b"nothing", "path": f"{row}.png"} for row in range(4)]
    place = write("train", {"image": broken, "label": [0, 1] * 2}, PETS)
    with raises(r"data\.path: \d\.png cannot be read \(no image\)"):
        load(place, skip_unreadable=True)


def test_pixels_of_sixteen_bits(write, load):
    from PIL import Image as Pillow

    deep = Pillow.fromarray(np.full((4, 4), 40000, dtype=np.uint16))
    place = write("train", {"image": [deep] * 2, "label": [0, 1]}, PETS)
    with raises(r"data\.image_column: pixels of mode I;16 in row 0; give 8-bit images"):
        load(place)
