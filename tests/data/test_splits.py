from dataclasses import replace

import numpy as np
import pytest

from unlearn_cli.data.digits import Digits
from unlearn_cli.data.images import Resident
from unlearn_cli.data.rows import stratified
from unlearn_cli.data.splits import divide, split
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.runtime.compute import Compute

DIGITS = {
    "name": "digits",
    "split_seed": 0,
    "val_fraction": 0.1,
    "test_fraction": 0.2,
    "subset": None,
    "augment": {"crop_padding": 1, "flip": False, "random_resized": False},
    "mean": None,
    "std": None,
}


@pytest.fixture(scope="module")
def digits():
    return Digits(**DIGITS).load(None, None, Compute("cpu", "fp32", False, False))


def test_stratified_takes_the_rounded_share_of_every_class():
    labels = np.repeat([0, 1, 2], [10, 20, 4])
    rows = stratified(np.arange(34), labels, 0.3, np.random.default_rng(0))
    assert np.bincount(labels[rows]).tolist() == [3, 6, 1]
    assert (np.diff(rows) > 0).all()


def test_splits_part_the_official_rows(digits):
    splits = split(digits, 0.1, 5)
    assert np.array_equal(np.union1d(splits.train, splits.val), digits.train_rows)
    assert not np.intersect1d(splits.train, splits.val).size
    assert np.array_equal(splits.test, digits.test_rows)
    for number in range(10):
        official = (digits.labels[digits.train_rows] == number).sum()
        assert (digits.labels[splits.val] == number).sum() == round(0.1 * official)


def test_copies_among_the_validation_rows_are_told(digits, caplog):
    data = replace(digits, copies=np.arange(len(digits)))
    parts = split(data, 0.1, 0)
    assert caplog.messages == []
    data.copies[parts.val[:2]] = parts.train[:2]
    data.copies[parts.test[0]] = parts.val[3]
    split(data, 0.1, 0)
    assert caplog.messages == [
        f"data: 2 of {len(parts.val)} validation rows have an exact copy among the training rows; "
        "data.duplicates=drop leaves one of each"
    ]
    split(replace(data, val_rows=parts.val), 0.1, 0)
    assert len(caplog.messages) == 1, "of an official part it is counted when the data are read"


def test_the_fingerprint_follows_seed_fraction_and_data(digits):
    first = split(digits, 0.1, 0)
    assert split(digits, 0.1, 0).fingerprint == first.fingerprint
    others = [split(digits, 0.1, 1), split(digits, 0.2, 0)]
    relabelled = Resident.of(
        digits.tensor,
        digits.labels[::-1].copy(),
        name="other",
        classes=digits.classes,
        train_rows=digits.train_rows,
        test_rows=digits.test_rows,
        augment=digits.augment,
        device=digits.device,
    )
    others.append(split(relabelled, 0.1, 0))
    assert len({first.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_a_forgotten_class_leaves_validation_and_test(digits):
    splits = split(digits, 0.1, 0)
    rows = splits.train[digits.labels[splits.train] == 3]
    sets = divide(splits, ForgetSet(rows, "class", {}, (3,), "data", "split"), digits)
    assert np.array_equal(np.union1d(sets.forget, sets.retain), splits.train)
    assert not np.intersect1d(sets.forget, sets.retain).size
    assert set(digits.labels[sets.test_forgotten]) == {3}
    assert len(sets.test) + len(sets.test_forgotten) == len(splits.test)
    for kept in (sets.retain, sets.val, sets.test):
        assert 3 not in digits.labels[kept]
    mask = sets.is_forget(len(digits))
    assert mask.sum() == len(rows)
    assert mask[rows].all()


def test_forgetting_samples_leaves_the_test_set_whole(digits):
    splits = split(digits, 0.1, 0)
    sets = divide(splits, ForgetSet(splits.train[:9], "random", {}, (), "data", "split"), digits)
    assert np.array_equal(sets.test, splits.test)
    assert np.array_equal(sets.val, splits.val)
    assert not len(sets.test_forgotten)


def test_digits_are_the_images_of_scikit_learn(digits):
    from sklearn.datasets import load_digits

    assert (digits.channels, digits.size, len(digits)) == (1, (8, 8), 1797)
    assert digits.classes == list("0123456789")
    ours = digits.tensor[:, 0].numpy().astype(float) * 16 / 255
    published = load_digits()
    # 0..16 on 0..255 rounds by half a level at most; every image is there once, with its label
    assert np.array_equal(np.sort(np.rint(ours).sum((1, 2))), np.sort(published.images.sum((1, 2))))
    row = int(digits.test_rows[0])
    same = (published.images == np.rint(ours[row])).all((1, 2))
    assert published.target[same].tolist() == [digits.labels[row]]


def test_a_subset_keeps_the_test_rows_and_a_share_of_each_class(digits):
    part = Digits(**DIGITS | {"subset": 0.25}).load(None, None, Compute("cpu", "fp32", False, False))
    assert np.array_equal(part.test_rows, digits.test_rows)
    for number in range(10):
        whole = (digits.labels[digits.train_rows] == number).sum()
        assert (part.labels[part.train_rows] == number).sum() == round(0.25 * whole)
    assert part.fingerprint == digits.fingerprint
    assert split(part, 0.1, 0).fingerprint != split(digits, 0.1, 0).fingerprint
