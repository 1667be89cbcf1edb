"""NPO: the answers to be forgotten become less likely than the original model has them, by a bounded pull."""

from copy import deepcopy
from typing import ClassVar, Literal, Protocol

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced, shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.vlm.values_by_row import values_by_row
from unlearn_cli.tasks.verbs.base import HasDivergence, HasLoss
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods
from unlearn_cli.training.trainer import Trainer


class NPOTask(HasLoss, HasLikelihoods, HasDivergence, Protocol):
    """What NPO asks of a task."""


class NPO(GradientMethod):
    """min_θ (2/β)·E_{D_f}[log(1 + (p_θ(y|x)/p_{θ_o}(y|x))^β)] + λ·R (Zhang et al., COLM 2024, Eq. 3).

    p(y|x) is the probability of the whole answer. R is nothing (NPO), E_{D_r} of the task's loss (NPO-GD) or
    of KL(p_{θ_o} ‖ p_θ) (NPO-KL), both means over the answer's tokens. With R, half of every step is of D_f.
    As β → 0 this is GA; the pull of a row fades as its ratio falls. MLLMU-Bench's code takes a model
    fine-tuned on D_r for θ_o, which is another method.
    """

    needs: ClassVar[type] = NPOTask
    sides: ClassVar[tuple[str, ...] | None] = ("retain_weight",)

    beta: float = Field(gt=0, description="β, inverse temperature")
    retain: Literal["none", "nll", "kl"] = Field(description="R: none (NPO), nll (NPO-GD) or kl (NPO-KL)")
    retain_weight: float = Field(ge=0, description="λ, weight of R, what keeps the rest")

    def has_two_sides(self) -> bool:
        return super().has_two_sides() and self.retain != "none"

    def unlearn(self, task: NPOTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False) if self.retain == "kl" else None
        model.eval()
        before = values_by_row(lambda batch: task.likelihoods(model, batch)[0], sets.forget, trainer)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = batch.select(batch.forget), batch.select(~batch.forget)
            log_ratio = before[forget.index] - task.likelihoods(model, forget)[0]
            terms = {"forget": 2 / self.beta * F.softplus(self.beta * log_ratio).mean()}
            if self.retain == "nll":
                terms["retain"] = self.retain_weight * task.loss(model, retain).mean()
            elif original:
                terms["retain"] = self.retain_weight * task.divergence(model, original, retain).mean()
            return terms

        alone = self.retain == "none"
        feed = shuffled(sets.forget) if alone else balanced(sets.forget, sets.retain)
        return trainer.fit(model, feed, objective, self)
