"""What the original model says of rows, asked once."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.data.batch import Batch
from unlearn_cli.training.trainer import Trainer


@torch.no_grad()
def values_by_row(value: Callable[[Batch], Tensor], rows: np.ndarray, trainer: Trainer) -> Tensor:
    """A value of each of the rows, by `Batch.index`: (N,) over the whole row space, NaN elsewhere.

    The images are as they are, without augmentation.
    """
    found = torch.full((len(trainer.data),), torch.nan, device=trainer.device)
    for batch in trainer.batches(rows, 64):
        with trainer.autocast():
            found[batch.index] = value(batch).float()
    trainer.count_passes(len(rows), 0)
    return found
