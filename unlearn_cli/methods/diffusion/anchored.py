"""The images of the anchor that belong to forgotten prompts."""

from dataclasses import replace

import numpy as np

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.training.trainer import Trainer


class Anchored:
    """For each forget row a retained row with the same scene, the anchor in the concept's place."""

    def __init__(self, sets: Sets, trainer: Trainer):
        self.row_of = dict(zip(sets.forget.tolist(), sets.anchors.tolist(), strict=True))
        self.trainer = trainer

    @staticmethod
    def check(sets: Sets) -> None:
        """InputError if the forget set names no anchors."""
        if not len(sets.anchors):
            raise InputError(
                "forget: this method needs an anchor in the concept's place; "
                "use forget=concept forget.concept=… forget.anchor=…"
            )

    def of(self, batch: Batch) -> Batch:
        """The anchors' images and prompts, in the order of a batch of forget rows."""
        rows = np.array([self.row_of[row] for row in batch.index.tolist()], dtype=np.int64)
        (found,) = self.trainer.batches(rows, len(rows))
        return replace(found, forget=batch.forget)
