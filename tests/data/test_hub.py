import shutil

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Image, Value
from hub_settings import PETS

from unlearn_cli.data.splits import split
from unlearn_cli.errors import InputError


def pixels(images):
    return np.stack([np.asarray(image) for image in images])


def test_parquet_shards(pets, load, noise):
    data = load(pets, test_split="test")
    assert data.classes == ["cat", "dog", "eel"]
    assert (data.channels, data.size) == (3, (6, 5))
    assert data.labels.tolist() == [0, 1, 2] * 4 + [2, 1, 0] * 2
    assert data.train_rows.tolist() == list(range(12))
    assert data.test_rows.tolist() == list(range(12, 18))
    assert np.array_equal(data.image(4), np.asarray(noise(12)[4]))
    assert np.array_equal(data.image(13), np.asarray(noise(6, seed=1)[1]))
    train = pixels(noise(12)) / 255
    assert data.mean == pytest.approx(train.mean((0, 1, 2)).tolist())


def test_a_second_load_reads_the_store_alone(pets, load, monkeypatch):
    first = load(pets, test_split="test")

    def forbidden(*_):
        raise AssertionError("the source is opened again")

    monkeypatch.setattr("unlearn_cli.data.source.load_dataset_builder", forbidden)
    second = load(pets, test_split="test")
    assert second.fingerprint == first.fingerprint
    assert torch.equal(second.tensor, first.tensor)
    assert second.columns["label"].tolist() == first.columns["label"].tolist()


def test_changed_files_are_read_anew_and_a_copy_is_the_same_data(pets, load, noise, write, tmp_path):
    first = load(pets, test_split="test")
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(pets, copy)
    assert load(copy, test_split="test").fingerprint == first.fingerprint
    write("test", {"image": noise(6, seed=2), "label": [2, 1, 0] * 2}, PETS)
    assert load(pets, test_split="test").fingerprint != first.fingerprint


def test_the_root_of_local_copies_comes_first(pets, load):
    assert load("somebody/pictures", root=pets.parent, test_split="test").labels.shape == (18,)


def test_a_configuration_is_a_folder_of_a_local_copy(pets, load, noise, write):
    write("train", {"image": noise(4), "label": [0, 1] * 2}, PETS, folder="pictures/small")
    assert len(load(pets, config="small")) == 4
    assert len(load(pets, test_split="test", config="absent")) == 22, "no such folder: all of it"


def test_a_single_parquet_file(one_split, load):
    assert len(load(one_split / "train-00000-of-00001.parquet")) == 40


def test_a_folder_per_class(noise, load, tmp_path):
    for number, image in enumerate(noise(16)):
        place = tmp_path / "tree" / ("ant" if number % 2 else "bee")
        place.mkdir(parents=True, exist_ok=True)
        image.save(place / f"{number:02}.png")
    data = load(tmp_path / "tree")
    assert data.classes == ["ant", "bee"]
    assert np.bincount(data.labels).tolist() == [8, 8]
    ants = {image.tobytes() for number, image in enumerate(noise(16)) if number % 2}
    assert all((data.image(row).tobytes() in ants) == (data.labels[row] == 0) for row in range(16))


def test_without_a_test_split_a_share_of_each_class_is_held_out(one_split, load):
    data = load(one_split)
    assert np.bincount(data.labels[data.test_rows]).tolist() == [5, 5]
    assert np.bincount(data.labels[data.train_rows]).tolist() == [15, 15]
    assert data.train_rows.tolist() == list(range(30))
    again = load(one_split, split_seed=1)
    assert again.fingerprint != data.fingerprint, "other rows are held out, hence another order"


def test_validation_is_found_however_it_is_spelt(pets, noise, write, load):
    write("valid", {"image": noise(3, seed=3), "label": [0, 1, 2]}, PETS)
    assert len(load(pets, test_split="valid").test_rows) == 3


@pytest.mark.parametrize(
    ("feature", "values", "classes", "labels"),
    [
        (Value("string"), ["dog", "cat", "dog", "cat"], ["cat", "dog"], [1, 0, 1, 0]),
        (Value("int64"), [7, 7, 3, 11], ["3", "7", "11"], [1, 1, 0, 2]),
        (Value("bool"), [True, False, True, True], ["False", "True"], [1, 0, 1, 1]),
    ],
)
def test_classes_come_from_the_label_column(noise, write, load, feature, values, classes, labels):
    columns = {"image": noise(4), "label": values}
    write("train", columns, {"image": Image(), "label": feature})
    place = write("test", columns, {"image": Image(), "label": feature})
    data = load(place, test_split="test")
    assert data.classes == classes
    assert data.labels.tolist() == labels * 2


def test_other_columns_are_kept_by_name(noise, write, load):
    features = {**PETS, "domain": ClassLabel(names=["photo", "sketch"]), "age": Value("int64")}
    write(
        "train",
        {"image": noise(4), "label": [0, 1] * 2, "domain": [0, 0, 1, 1], "age": [3, 1, 4, 1]},
        features,
    )
    place = write("test", {"image": noise(2), "label": [0, 1], "domain": [1, 0], "age": [5, 9]}, features)
    data = load(place, test_split="test")
    assert data.columns["domain"].tolist() == ["photo"] * 2 + ["sketch"] * 3 + ["photo"]
    assert data.columns["age"].tolist() == [3, 1, 4, 1, 5, 9]
    assert data.columns["label"].tolist() == ["cat", "dog"] * 3


def test_grey_images_have_one_channel_whatever_their_mode(noise, write, load):
    grey = noise(8, channels=1)
    place = write("train", {"image": grey, "label": [0, 1] * 4}, PETS)
    data = load(place)
    assert data.channels == 1
    assert len(data.mean) == 1
    as_colour = write("train", {"image": [i.convert("RGB") for i in grey], "label": [0, 1] * 4}, PETS, "rgb")
    assert load(as_colour).fingerprint == data.fingerprint


@pytest.mark.parametrize("resident", [True, False])
def test_grey_images_are_taken_as_three_channels(noise, write, load, resident):
    """What a CLIP, a vision-language model or a pipeline is given."""
    grey = load(write("train", {"image": noise(8, channels=1), "label": [0, 1] * 4}, PETS), resident=resident)
    data = grey.in_colour()
    assert (data.channels, data.mean, data.std) == (3, grey.mean * 3, grey.std * 3)
    (x,), (y,) = (one.pixels([np.array([5, 0])]) for one in (grey, data))
    assert torch.equal(y, x.expand(2, 3, 6, 5))
    assert data.in_colour() is data
    assert data.columns["label"].tolist() == grey.columns["label"].tolist()


def test_statistics_of_three_channels_make_grey_images_coloured(noise, write, load):
    place = write("train", {"image": noise(8, channels=1), "label": [0, 1] * 4}, PETS)
    data = load(place, mean=(0.48, 0.45, 0.4))
    assert (data.channels, data.mean, data.std) == (3, (0.48, 0.45, 0.4), load(place).std * 3)


def test_one_colour_image_makes_three_channels(noise, write, load):
    mixture = [*noise(7, channels=1), *noise(1)]
    data = load(write("train", {"image": mixture, "label": [0, 1] * 4}, PETS))
    assert data.channels == 3


def test_differing_sizes_need_a_size(noise, write, load):
    mixture = [*noise(4, size=(20, 10)), *noise(4, size=(8, 12))]
    place = write("train", {"image": mixture, "label": [0, 1] * 4}, PETS)
    with pytest.raises(
        InputError,
        match=r"data\.size: images of differing sizes \(10 x 20 and 12 x 8\); give data\.size=PIXELS",
    ):
        load(place)
    assert load(place, size=6).size == (6, 6)


def test_resizing_keeps_the_centre(write, load):
    from PIL import Image as Pillow

    # a white square in the middle of a wide black picture fills the centre crop
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 255
    place = write("train", {"image": [Pillow.fromarray(wide)] * 8, "label": [0, 1] * 4}, PETS)
    data = load(place, size=10)
    assert (data.image(0) == 255).all()


@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_batches_are_those_of_decoded_data(pets, load, workers):
    resident = load(pets, test_split="test", resident=True)
    streamed = load(pets, test_split="test", resident=False, workers=workers)
    assert not hasattr(streamed, "tensor")
    plan = [np.array([17, 0, 3]), np.array([5]), np.array([12, 2, 1, 4]), np.array([9, 8])]
    forget = np.arange(18) % 2 == 0
    torch.manual_seed(0)
    state = torch.get_rng_state()
    pairs = zip(resident.batches(plan, forget), streamed.batches(plan, forget), strict=True)
    for rows, (ours, theirs) in zip(plan, pairs, strict=True):
        assert theirs.index.tolist() == rows.tolist()
        for part in ("x", "y", "forget"):
            assert torch.equal(getattr(ours, part), getattr(theirs, part))
    assert torch.equal(torch.get_rng_state(), state), "loading draws nothing from the global generator"
    assert np.array_equal(streamed.image(6), resident.image(6))
    assert split(streamed, 0.25, 0).train.tolist() == split(resident, 0.25, 0).train.tolist()


def test_streamed_data_has_a_fingerprint_of_its_content(pets, load, noise, write):
    first = load(pets, test_split="test", resident=False)
    assert load(pets, test_split="test", resident=False).fingerprint == first.fingerprint
    write("train", {"image": noise(12, seed=5), "label": [0, 1, 2] * 4}, PETS)
    assert load(pets, test_split="test", resident=False).fingerprint != first.fingerprint


def test_large_data_are_streamed_by_themselves(pets, load, monkeypatch):
    monkeypatch.setattr("unlearn_cli.data.prepared.RESIDENT_BYTES", 18 * 3 * 6 * 5 - 1)
    assert not hasattr(load(pets, test_split="test"), "tensor")


# Input that will not do ------------------------------------------------------------------------------------
