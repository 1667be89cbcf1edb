"""Random samples: the setting of SalUn's Table 1."""

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits
from unlearn_cli.forget.base import Counted
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.runtime.seeding import rng


class Random(Counted):
    """Training rows drawn uniformly without replacement: a fraction of them or a number."""

    seed: int = Field(
        ge=0,
        description="draws the rows; follows `seed` unless set, so that a sweep may keep one original for "
        "several forget sets",
    )

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        count = self.number(len(splits.train), "training rows")
        rows = draw_without_replacement(splits.train, count, self.seed)
        return self.forget_set("random", rows, data, splits)


def draw_without_replacement(things: np.ndarray, count: int, seed: int) -> np.ndarray:
    """So many of the things, each with equal chance; equal for equal seeds, whoever asks."""
    return rng("forget", seed).permutation(things)[:count]
