"""The original model: trained on everything, before any unlearning."""

from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets, Splits
from unlearn_cli.methods.base import Method
from unlearn_cli.models.capabilities import BeginsFromData
from unlearn_cli.tasks.verbs.base import HasLoss, Pretrains
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


class Parted(Protocol):
    """What a run knows of its rows; `sets` may have to be chosen first, by training."""

    @property
    def splits(self) -> Splits: ...

    @property
    def sets(self) -> Sets: ...


class Original(Method):
    """θ_o = argmin_θ E_D[ℓ(θ; x, y)] over the whole training split; the recipe is the group `train`."""

    job: ClassVar[str] = "original"

    def train(
        self, task: HasLoss, model: nn.Module, rows: np.ndarray, trainer: Trainer, recipe: Recipe
    ) -> nn.Module:
        """Train a freshly initialised model on these rows."""

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"train": task.loss(model, batch).mean()}

        def begin() -> None:
            if isinstance(model, BeginsFromData):
                seen = rows[:: -(-len(rows) // model.first_look)]  # as many of each part of the data
                model.begin_from(torch.cat([batch.x for batch in trainer.batches(seen)]))

        learnt = task.pretraining(trainer.data, rows) if isinstance(task, Pretrains) else objective
        names = [name for name, _ in model.named_parameters()]
        return trainer.fit(
            model, shuffled(rows), learnt, recipe, stage=self.job, parameters=names, prepare=begin
        )

    def rows(self, run: Parted) -> np.ndarray:
        """Those that this model may see."""
        return run.splits.train

    def val(self, run: Parted) -> np.ndarray:
        """Validation rows of the classes that it may see."""
        return run.splits.val
