"""Whole classes, or a random part of them."""

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import number_of
from unlearn_cli.data.splits import Splits
from unlearn_cli.forget.base import Selector, part_of
from unlearn_cli.forget.forget_set import ForgetSet


class ByClass(Selector):
    """The training rows of some classes. A wholly forgotten class leaves validation and test, too."""

    classes: list[int | str] = Field(
        min_length=1, description="classes to forget, by name, or by number where no name is a number"
    )
    fraction: float | None = Field(
        gt=0, lt=1, description="part of their rows that is forgotten; null: all, and the class leaves TA"
    )
    seed: int = Field(ge=0, description="draws that part; follows `seed` unless set")

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        wanted = [number_of("forget.classes", "class", name, data.classes) for name in self.classes]
        rows = splits.train[np.isin(data.labels[splits.train], wanted)]
        return self.forget_set("class", part_of(rows, self.fraction, self.seed), data, splits)
