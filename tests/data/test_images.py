import numpy as np
import pytest
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident, channel_statistics
from unlearn_cli.errors import InputError

PLAIN = Augment(crop_padding=0, flip=False, random_resized=False)


def images(**changes):
    pixels = torch.randint(
        0, 256, (12, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    facts = {
        "name": "noise",
        "classes": ["cat", "dog"],
        "train_rows": np.arange(8),
        "test_rows": np.arange(8, 12),
        "augment": PLAIN,
        "device": torch.device("cpu"),
    }
    return Resident.of(pixels, np.tile([0, 1], 6), **(facts | changes))


def test_batches_follow_the_plan():
    data = images()
    forget = np.zeros(12, dtype=bool)
    forget[[3, 5]] = True
    plan = [np.array([5, 0, 3]), np.array([11])]
    first, second = data.batches(plan, forget)
    assert first.index.tolist() == [5, 0, 3]
    assert first.y.tolist() == [1, 0, 1]
    assert first.forget.tolist() == [True, False, True]
    assert torch.equal(first.x, data.tensor[[5, 0, 3]])
    assert second.index.tolist() == [11]
    assert not next(data.batches(plan)).forget.any()


def test_prepared_pixels_are_floats_from_0_to_1():
    data = images()
    batch = data.prepare(next(data.batches([np.array([2])])), augment=False)
    assert batch.x.dtype == torch.float32
    assert torch.equal(batch.x * 255, data.tensor[[2]].float())


@pytest.mark.parametrize("augment", [{"crop_padding": 1}, {"flip": True}, {"random_resized": True}])
def test_each_augmentation_changes_training_batches_alone(augment):
    data = images(augment=PLAIN.model_copy(update=augment))
    batch = next(data.batches([np.arange(8)]))
    plain = data.prepare(batch, augment=False)
    torch.manual_seed(0)
    changed = data.prepare(batch, augment=True)
    assert torch.equal(plain.x, batch.x.float() / 255)
    assert changed.x.shape == plain.x.shape
    assert not torch.equal(changed.x, plain.x)
    assert torch.equal(changed.y, plain.y)


def test_a_batch_is_selected_by_mask_and_by_slice():
    batch = next(images().batches([np.arange(4)]))
    assert batch.select(batch.y == 1).index.tolist() == [1, 3]
    assert batch.select(slice(1, 3)).index.tolist() == [1, 2]
    assert len(batch.select(slice(0, 0))) == 0


def test_an_image_for_a_figure():
    data = images()
    assert np.array_equal(data.image(3), data.tensor[3].permute(1, 2, 0).numpy())


def test_statistics_are_those_of_the_train_rows():
    data = images()
    train = data.tensor[:8].double() / 255
    assert data.mean == pytest.approx(train.mean((0, 2, 3)).tolist())
    assert data.std == pytest.approx(train.std((0, 2, 3), correction=0).tolist())


def test_constant_pixels_have_a_deviation_to_divide_by():
    assert channel_statistics(torch.full((2, 1, 3, 3), 51, dtype=torch.uint8)) == (
        (pytest.approx(0.2),),
        (1 / 255,),
    )


def test_the_fingerprint_sees_one_pixel_and_one_label():
    data = images()
    assert images().fingerprint == data.fingerprint
    labels = data.labels.copy()
    labels[0] = 1
    pixels = data.tensor.clone()
    pixels[7, 2, 3, 4] ^= 1
    same = {
        key: getattr(data, key) for key in ("name", "classes", "train_rows", "test_rows", "augment", "device")
    }
    assert Resident.of(data.tensor, labels, **same).fingerprint != data.fingerprint
    assert Resident.of(pixels, data.labels, **same).fingerprint != data.fingerprint


def test_labels_are_a_column_of_names():
    assert images().columns["label"].tolist() == ["cat", "dog"] * 6


def test_a_mean_for_another_number_of_channels_is_refused():
    with pytest.raises(InputError, match=r"data\.mean: 1 values for images of 3 channel"):
        images(mean=(0.5,), std=(0.5, 0.5, 0.5))
