"""SimNPO: NPO without a reference model, of answers normalised by their length."""

from typing import ClassVar, Protocol

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods
from unlearn_cli.training.trainer import Trainer


class SimNPOTask(HasLoss, HasLikelihoods, Protocol):
    """What SimNPO asks of a task."""


class SimNPO(GradientMethod):
    """min_θ −(2/β)·E_{D_f}[log σ(β·[−log p_θ(y|x)/|y| − γ])] + λ·E_{D_r}[ℓ(θ; x, y)] (Fan et al., 2025).

    |y| is the number of the answer's tokens, ℓ the task's loss. Half of every step is of D_f. γ is as in
    the released programs, with which the published numbers were made; that of the paper's equation is β·γ.
    """

    needs: ClassVar[type] = SimNPOTask
    sides: ClassVar[tuple[str, ...] | None] = ("retain_weight",)

    beta: float = Field(gt=0, description="β, inverse temperature")
    gamma: float = Field(
        ge=0,
        description="γ, margin of −log p(y|x)/|y|, within the product with β as in the releases; a larger "
        "one pulls longer",
    )
    retain_weight: float = Field(ge=0, description="λ, weight of the loss on the retain set")

    def unlearn(self, task: SimNPOTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = batch.select(batch.forget), batch.select(~batch.forget)
            nll, tokens = task.likelihoods(model, forget)
            pull = -F.logsigmoid(self.beta * (nll / tokens - self.gamma)).mean()
            return {
                "forget": 2 / self.beta * pull,
                "retain": self.retain_weight * task.loss(model, retain).mean(),
            }

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)
