"""Train, validation and test rows, and what becomes of them when some are forgotten.

One seed splits everything, once: the published SalUn code splits twice with different seeds, so that a tenth
of its forget set was never trained on.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from unlearn_cli.data.names import listed
from unlearn_cli.data.rows import digest
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.seeding import rng

if TYPE_CHECKING:
    from unlearn_cli.data.images import ImageData

log = logging.getLogger("unlearn")


class Forgotten(Protocol):
    """What `divide` asks of a forget set (unlearn_cli/forget/forget_set.py)."""

    @property
    def rows(self) -> np.ndarray: ...

    @property
    def classes(self) -> tuple[int, ...]: ...

    @property
    def anchors(self) -> np.ndarray: ...

    @property
    def concepts(self) -> tuple[Substitution, ...]: ...

    @property
    def withheld_rows(self) -> np.ndarray: ...

    @property
    def visible_rows(self) -> np.ndarray | None: ...

    @property
    def forgotten_outside_training(self) -> np.ndarray: ...

    @property
    def groups(self) -> np.ndarray: ...

    @property
    def fingerprint(self) -> str: ...


@dataclass(frozen=True)
class Splits:
    """Sorted int64 rows of each part, the seed that drew them, and a fingerprint of data and rows."""

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray
    """What models are judged on: the test rows, or (`judged_on_validation`) the validation rows."""
    seed: int
    fingerprint: str
    unseen: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Test rows that are in no part, so that nothing can read their labels."""

    @property
    def outside_training(self) -> np.ndarray:
        """Validation, then test rows, whichever of them models are judged on."""
        return np.concatenate([self.val, self.unseen if len(self.unseen) else self.test])

    def judged_on_validation(self) -> Splits:
        """The same training and validation rows, and the latter in place of the test rows.

        Models trained on these splits, and forget sets chosen from them, are those of the ordinary splits.
        """
        return replace(self, test=self.val, unseen=self.test)


@dataclass(frozen=True)
class Sets:
    """The splits once a forget set is chosen; sorted int64 rows. train = forget + retain + any withheld.

    Of a domain's few shots alone, forget and retain are those; `unforgotten` is the retain set as a whole.
    """

    train: np.ndarray
    val: np.ndarray
    """Validation rows without the wholly forgotten classes and domains."""
    test: np.ndarray
    """Test rows without the wholly forgotten classes and domains: TA's."""
    forget: np.ndarray
    retain: np.ndarray
    test_forgotten: np.ndarray
    """Test rows of the wholly forgotten classes, domains and concepts; empty if there are none."""
    classes: tuple[int, ...]
    """The wholly forgotten classes."""
    split: str
    """The splits' fingerprint, which covers the data."""
    fingerprint: str
    """The forget set's fingerprint, which covers data, splits and rows."""
    anchors: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """For each forget row one of the retain set with the anchor in the concept's place; empty: no anchor."""
    concepts: tuple[Substitution, ...] = ()
    """The words to be forgotten, each with its anchor; empty: the forget set was not chosen by words."""
    unforgotten: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Training rows of which nothing is to be forgotten, methods see them or not: what the oracle learns."""
    groups: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """(N,) number of each row's domain, as methods are told; empty: no domain is to be forgotten."""
    val_forgotten: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """Validation rows of the wholly forgotten classes, domains and concepts."""

    @property
    def spare_val(self) -> np.ndarray:
        """Validation rows by which the model is not judged; none where these are its test rows."""
        return np.setdiff1d(self.val, self.test)

    @property
    def parts(self) -> dict[str, np.ndarray]:
        """The rows of forget, retain and test set, by name."""
        return {"forget": self.forget, "retain": self.retain, "test": self.test}

    @property
    def all_test(self) -> np.ndarray:
        """Sorted test rows, the wholly forgotten ones among them."""
        return np.sort(np.concatenate([self.test, self.test_forgotten]))

    def is_forget(self, rows: int) -> np.ndarray:
        """(rows,) bool over the whole row space: belongs to the forget set."""
        mask = np.zeros(rows, dtype=bool)
        mask[self.forget] = True
        return mask

    def anchor_labels(self, labels: np.ndarray) -> np.ndarray | None:
        """(N,) class to take the place of each row's own (labels (N,)); None if there are no anchors."""
        if not len(self.anchors):
            return None
        found = labels.copy()
        found[self.forget] = labels[self.anchors]
        return found


def split(data: ImageData, val_fraction: float, seed: int) -> Splits:
    """Hold out `val_fraction` of each class of the official train rows; test rows are the official ones.

    InputError: nothing of some class would be left to train on.
    """
    val = data.held_out(val_fraction, rng("split", seed))
    train = np.setdiff1d(data.train_rows, val)
    if untaught := np.setdiff1d(data.labels[data.train_rows], data.labels[train]).tolist():
        names = listed((data.classes[one] for one in untaught), 3)
        raise InputError(
            f"data.val_fraction: {val_fraction} leaves no row of {names} to train on; give a smaller part"
        )
    _tell_of_copies(data, train, val)
    return Splits(train, val, data.test_rows, seed, digest(data.fingerprint, train, val, data.test_rows))


def split_as_trained(data: ImageData, train: np.ndarray, seed: int) -> Splits:
    """The splits of a model that has learnt the rows `train`: what is left is to validate and to test.

    InputError: no test row is left, or nothing was learnt.
    """
    train, official = np.unique(train), np.concatenate([data.train_rows, *_official(data)])
    val, test = np.setdiff1d(official, train), np.setdiff1d(data.test_rows, train)
    if not len(train) or not len(test):
        told = f"all {len(data.test_rows)} test rows of {data.name} are" if len(train) else "no row is"
        raise InputError(f"{told} among what the model has learnt; give rows (data) that it has not seen")
    return Splits(train, val, test, seed, digest(data.fingerprint, train, val, test))


def _official(data: ImageData) -> list[np.ndarray]:
    return [] if data.val_rows is None else [data.val_rows]


def _tell_of_copies(data: ImageData, train: np.ndarray, val: np.ndarray) -> None:
    """A line if validation rows that were drawn here have exactly the images that are trained on.

    Of an official validation part, and of test rows, this is counted when the data are read.
    """
    if data.copies is None or data.val_rows is not None:
        return
    if copied := int(np.isin(data.copies[val], data.copies[train]).sum()):
        log.warning(
            "data: %d of %d validation rows have an exact copy among the training rows; "
            "data.duplicates=drop leaves one of each",
            copied,
            len(val),
        )


def divide(splits: Splits, forget_set: Forgotten, data: ImageData) -> Sets:
    """Part the training rows into forget and retain; what is wholly forgotten leaves validation and test."""
    unforgotten = np.setdiff1d(splits.train, np.concatenate([forget_set.rows, forget_set.withheld_rows]))
    visible = forget_set.visible_rows
    val_forgotten, test_forgotten = (
        np.isin(data.labels[rows], forget_set.classes) | np.isin(rows, forget_set.forgotten_outside_training)
        for rows in (splits.val, splits.test)
    )
    return Sets(
        train=splits.train,
        val=splits.val[~val_forgotten],
        test=splits.test[~test_forgotten],
        forget=forget_set.rows,
        retain=unforgotten if visible is None else np.setdiff1d(visible, forget_set.rows),
        test_forgotten=splits.test[test_forgotten],
        classes=tuple(forget_set.classes),
        split=splits.fingerprint,
        fingerprint=forget_set.fingerprint,
        anchors=forget_set.anchors,
        concepts=forget_set.concepts,
        unforgotten=unforgotten,
        groups=forget_set.groups,
        val_forgotten=splits.val[val_forgotten],
    )


def more_validation_rows(val_fraction: float, *, brought: bool) -> str:
    """What to do where they are too few. brought: the model says what it has learnt, none is held out."""
    if brought:
        return "list what the model has learnt in model.trained_on, or give data with a validation part"
    return (
        f"give more than data.val_fraction={val_fraction} (its original and oracle are models of their own)"
    )
