"""Images by their embeddings, computed once: for methods whose vision tower rests."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.data.augment import Epoch
from unlearn_cli.data.batch import Batch
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.training.trainer import Trainer


@torch.no_grad()
def embedded(model: ZeroShotClip, rows: np.ndarray, trainer: Trainer) -> Batch:
    """The rows as one batch, x their normalised embeddings (n, E); not augmented."""
    model.eval()
    parts = [replace(batch, x=model.image_features(batch.x)) for batch in trainer.batches(rows)]
    trainer.count_passes(len(rows), 0)
    x, y, index, forget = zip(*((part.x, part.y, part.index, part.forget) for part in parts), strict=True)
    return Batch(torch.cat(x), torch.cat(y), torch.cat(index), torch.cat(forget))


class Embeddings:
    """What `Trainer.fit` asks of its data, of images that stand in `embedded` by their embeddings."""

    def __init__(self, embedded: Batch, rows: int):
        """`rows`: of the whole data set."""
        self.embedded = embedded
        self.place: Tensor = torch.full((rows,), -1, device=embedded.index.device)
        self.place[embedded.index] = torch.arange(len(embedded), device=embedded.index.device)

    def batches(
        self, plan: Sequence[np.ndarray], forget: np.ndarray | None, anchors: np.ndarray | None
    ) -> Iterator[Batch]:
        for rows in plan:
            yield self.embedded.select(self.place[torch.from_numpy(rows).to(self.place.device)])

    def prepare(self, batch: Batch, augment: bool, epoch: Epoch | None = None) -> Batch:
        return batch
