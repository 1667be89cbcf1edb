"""Training on some forget samples again: how soon does what was forgotten come back?"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

Model = TypeVar("Model", bound=nn.Module)


def relearned_copy(
    task: HasLoss,
    model: Model,
    rows: np.ndarray,
    trainer: Trainer,
    recipe: Recipe,
    until: Callable[[dict[str, Any]], bool] | None = None,
) -> Model:
    """A copy of the model after training on these rows alone; until: as of `Trainer.fit`."""

    def objective(model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return {"forget": task.loss(model, batch).mean()}

    relearned = copy.deepcopy(model)
    trainer.fit(relearned, shuffled(rows), objective, recipe, stage="relearn", until=until)
    return relearned
