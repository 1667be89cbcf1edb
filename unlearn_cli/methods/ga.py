"""GA: gradient ascent on the forget set."""

from typing import ClassVar

from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class GradientAscent(GradientMethod):
    """max_θ E_{D_f}[ℓ(θ; x, y)] from θ_o (Thudi et al., EuroS&P 2022; Graves et al., AAAI 2021).

    Nothing bounds the loss from above: lr and epochs decide how much besides D_f is lost.
    """

    sides: ClassVar[tuple[str, ...] | None] = None

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"forget": -task.loss(model, batch).mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)
