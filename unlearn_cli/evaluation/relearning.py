"""Training on some samples again: how soon does what was forgotten come back?"""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

Model = TypeVar("Model", bound=nn.Module)


def relearned_copy(
    task: HasLoss,
    model: Model,
    feed: Feed,
    trainer: Trainer,
    recipe: Recipe,
    until: Callable[[dict[str, Any]], bool] | None = None,
    stage: str = "relearn",
) -> Model:
    """A copy of the model after training on the feed's rows alone; until, stage: as of `Trainer.fit`."""

    def objective(model: nn.Module, batch: Batch) -> dict[str, torch.Tensor]:
        return {"forget": task.loss(model, batch).mean()}

    relearned = copy.deepcopy(model)
    # what knows it all has nothing to learn, which is no fault of it
    trainer.fit(relearned, feed, objective, recipe, stage=stage, until=until, may_rest=True)
    return relearned
