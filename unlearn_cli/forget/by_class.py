"""Whole classes, or a random part of them."""

from typing import Annotated

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import number_of
from unlearn_cli.data.splits import Splits
from unlearn_cli.forget.base import Selector, part_of
from unlearn_cli.forget.forget_set import ForgetSet, nothing


class ByClass(Selector):
    """The training rows of some classes. A wholly forgotten class leaves validation and test, too."""

    classes: list[Annotated[int, Field(ge=0)] | str] = Field(
        min_length=1, description="classes to forget, by name, or by number where no name is a number"
    )
    fraction: float | None = Field(
        gt=0, lt=1, description="part of their rows that is forgotten; null: all, and the class leaves TA"
    )
    seed: int = Field(ge=0, description="draws that part; follows `seed` unless set")

    @property
    def draws(self) -> bool:
        return self.fraction is not None

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        wanted = np.unique([number for name in self.classes for number in _numbers(name, data)])
        rows = splits.train[np.isin(data.labels[splits.train], wanted)]
        rows = np.sort(part_of(rows, self.fraction, self.seed))
        anchors = _of_next_class(rows, wanted, data, splits.train) if _has_captions_alone(data) else nothing()
        return self.forget_set("class", rows, data, splits, anchors=anchors)


def _numbers(name: int | str, data: ImageData) -> list[int]:
    """Of the class of this name; where classes are prompts, also of those of the images so labelled."""
    if str(name) not in data.classes and "caption" in data.columns:
        labelled = data.columns["label"].astype(str) == str(name)
        if labelled.any():
            return np.unique(data.labels[labelled]).tolist()
    return [number_of("forget.classes", "class", name, data.classes)]


def _has_captions_alone(data: ImageData) -> bool:
    """Whether classes are prompts without a word on which of them name what (see forget=concept)."""
    return "caption" in data.columns and "prompts" not in data.columns


def _of_next_class(rows: np.ndarray, wanted: np.ndarray, data: ImageData, train: np.ndarray) -> np.ndarray:
    """For each of the rows one of the next class that stays, as SalUn's code takes c + 1 for Imagenette."""
    labels = data.labels[train]
    kept = np.setdiff1d(labels, wanted)
    if not len(kept):
        return nothing()
    anchors = np.empty_like(rows)
    for number in np.unique(data.labels[rows]):
        following = kept[np.searchsorted(kept, number) % len(kept)]
        here = data.labels[rows] == number
        anchors[here] = np.resize(train[labels == following], here.sum())
    return anchors
