"""Images with exactly the same content: counted, told once, left out or allowed."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Image

from unlearn_cli.errors import InputError

FEATURES = {"image": Image(), "label": ClassLabel(names=["cat", "dog"])}


@pytest.fixture
def copied(noise, write):
    """Train A B C A D E, test F B A G, cat and dog by turns: A is in both classes, A and B in both parts."""
    a, b, c, d, e, f, g = noise(7)
    write("train", {"image": [a, b, c, a, d, e], "label": [0, 1] * 3}, FEATURES)
    return write("test", {"image": [f, b, a, g], "label": [0, 1, 0, 1]}, FEATURES)


TOLD = "5 of 10 images have an exact copy, 3 in another class and 5 on the other side of a split"


@pytest.mark.parametrize("resident", [True, False])
def test_copies_are_counted_and_told_once(copied, load, caplog, resident):
    for _ in range(2):  # the second time from the store
        caplog.clear()
        data = load(copied, test_split="test", resident=resident)
        assert caplog.messages == [
            f"data: {TOLD}; data.duplicates=drop leaves one of each, allow says nothing"
        ]
        assert data.copies.tolist() == [0, 1, 2, 0, 4, 5, 6, 1, 0, 9]


@pytest.mark.parametrize("resident", [True, False])
def test_the_first_of_each_is_left(copied, load, noise, caplog, resident):
    data = load(copied, test_split="test", resident=resident, duplicates="drop")
    assert caplog.messages == [f"data: {TOLD}; one of each is left"]
    assert (len(data), data.train_rows.tolist(), data.test_rows.tolist()) == (7, [0, 1, 2, 3, 4], [5, 6])
    assert data.labels.tolist() == [0, 1, 0, 0, 1, 0, 1]
    assert all(np.array_equal(data.image(row), np.asarray(image)) for row, image in enumerate(noise(7)))


def test_they_may_be_allowed(copied, load, caplog):
    assert len(load(copied, test_split="test", duplicates="allow")) == 10
    assert caplog.messages == []


def test_none_is_told_of_images_that_differ(pets, load, caplog):
    load(pets, test_split="test")
    assert caplog.messages == []


def test_unreadable_and_copied_images_go_together(noise, write, load):
    a, b, c, d = noise(4)
    broken = {"bytes": b"nothing", "path": "1.png"}
    place = write("train", {"image": [a, broken, a, b, c, d], "label": [0, 1] * 3}, FEATURES)
    for resident in (True, False):
        data = load(place, skip_unreadable=True, duplicates="drop", resident=resident, test_fraction=0.4)
        shown = {data.image(row).tobytes() for row in range(len(data))}
        assert shown == {np.asarray(image).tobytes() for image in (a, b, c, d)}


@pytest.mark.parametrize("missing", ["gone.png", None])
def test_a_streamed_image_that_is_not_there_is_named(noise, load, tmp_path, monkeypatch, missing):
    monkeypatch.setattr("unlearn_cli.data.prepared.SAMPLE", 1)
    place = tmp_path / "named"
    place.mkdir()
    noise(1)[0].save(place / "a.png")
    files = pa.array(["a.png", missing, "a.png", "a.png"])
    pq.write_table(pa.table({"image": files, "label": ["x", "y"] * 2}), place / "train.parquet")
    with pytest.raises(
        InputError, match=r"^data\.path: .* cannot be read \(.*\); mend it, or set data\.skip_un"
    ):
        load(place, resident=False)
