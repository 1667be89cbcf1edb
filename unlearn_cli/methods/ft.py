"""FT: fine-tuning on the retain set."""

from typing import ClassVar

from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class FineTune(GradientMethod):
    """min_θ E_{D_r}[ℓ(θ; x, y)] from θ_o (Warnecke et al., NDSS 2023; Golatkar et al., CVPR 2020).

    What is not rehearsed is forgotten, slowly.
    """

    sides: ClassVar[tuple[str, ...] | None] = None

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"retain": task.loss(model, batch).mean()}

        return trainer.fit(model, shuffled(sets.retain), objective, self)
