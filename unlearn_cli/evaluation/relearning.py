"""Training on some forget samples again: how soon does what was forgotten come back?"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


def relearned_copy(
    task: Any,
    model: nn.Module,
    rows: np.ndarray,
    trainer: Trainer,
    recipe: Recipe,
    until: Callable[[dict[str, Any]], bool] | None = None,
) -> nn.Module:
    """A copy of the model after training on these rows alone; until: as of `Trainer.fit`."""

    def objective(model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return {"forget": task.loss(model, batch).mean()}

    return trainer.fit(copy.deepcopy(model), shuffled(rows), objective, recipe, stage="relearn", until=until)
