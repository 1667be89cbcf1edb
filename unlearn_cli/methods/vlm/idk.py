"""IDK: refusals take the place of the answers to be forgotten."""

from typing import ClassVar, Literal, Protocol

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.vlm.values_by_row import values_by_row
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods, Refuses
from unlearn_cli.training.trainer import Trainer


class IDKTask(HasLoss, HasLikelihoods, Refuses, Protocol):
    """What IDK asks of a task."""


class IDK(GradientMethod):
    """min_θ E_{D_f}[L(θ; x, y)] + λ·E_{D_r}[ℓ(θ; x, y)], where L makes a refusal y_0 likely.

    preference nll (IDK; Maini et al., COLM 2024): L = ℓ(θ; x, y_0), of a refusal drawn in each step.
    preference dpo (PO; as the baseline of Zhang et al., COLM 2024; DPO: Rafailov et al., NeurIPS 2023):
        L = −(2/β)·log σ(β·[log p_θ(y_0|x)/p_{θ_o}(y_0|x) − log p_θ(y|x)/p_{θ_o}(y|x)]),
    of the task's first refusal and whole answers, with NPO's factor 2/β as NPO's and TOFU's codes have it
    (DPO's own is 1). ℓ is the task's loss. Half of every step is of D_f.
    """

    needs: ClassVar[type] = IDKTask
    sides: ClassVar[tuple[str, ...] | None] = ("retain_weight",)

    preference: Literal["nll", "dpo"] = Field(
        description="nll: refusals are learnt; dpo: a refusal is preferred to the answer"
    )
    beta: float = Field(gt=0, description="β, inverse temperature (preference: dpo)")
    retain_weight: float = Field(ge=0, description="λ, weight of the loss on the retain set")

    def unlearn(self, task: IDKTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def advantage(model: nn.Module, batch: Batch) -> Tensor:
            """log p(y_0|x) − log p(y|x), (B,)."""
            return task.likelihoods(model, batch)[0] - task.refusal_likelihoods(model, batch)[0]

        before = None
        if self.preference == "dpo":
            model.eval()
            before = values_by_row(lambda batch: advantage(model, batch), sets.forget, trainer)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = batch.select(batch.forget), batch.select(~batch.forget)
            if before is None:
                refusal = task.refusal_loss(model, forget).mean()
            else:
                gained = advantage(model, forget) - before[forget.index]
                refusal = -2 / self.beta * F.logsigmoid(self.beta * gained).mean()
            return {
                "forget": refusal,
                "retain": self.retain_weight * task.loss(model, retain).mean(),
            }

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)
