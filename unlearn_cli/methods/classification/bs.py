"""BS: boundary shrinking, forget samples are pushed to the nearest other class."""

from copy import deepcopy
from dataclasses import replace
from typing import ClassVar, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLogits, HasLoss
from unlearn_cli.training.trainer import Trainer


class BoundaryShrinkTask(HasLoss, HasLogits, Protocol):
    """What BS asks of a task."""


class BoundaryShrink(GradientMethod):
    """min_θ E_{D_f}[ℓ(θ; x, y_adv)], y_adv = argmax f_{θ_o}(x_adv) (Chen et al., CVPR 2023).

    x_adv = clip(x + ε·sign ∇_x ℓ(θ_o; x, y)) to [0, 1], in whole steps of 1/255: one FGSM step against the
    frozen original model, in pixel space. Where the attack fails, y_adv = y and the sample is rehearsed, as
    in the released SalUn code.
    """

    needs: ClassVar[type] = BoundaryShrinkTask
    sides: ClassVar[tuple[str, ...] | None] = None

    bound: float = Field(gt=0, le=1, description="ε, of pixel values in [0, 1]; the release fixes 0.1")

    def unlearn(self, task: BoundaryShrinkTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            trainer.count_more(len(batch), forwards=2, backwards=1)  # of the original: attack, answer
            nearest = task.logits(original, attacked(task, original, batch, self.bound)).argmax(dim=1)
            return {"forget": task.relabel_loss(model, batch, nearest).mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)


def attacked(task: BoundaryShrinkTask, model: nn.Module, batch: Batch, bound: float) -> Batch:
    """The batch with x_adv for x: one FGSM step of size `bound` against the frozen model."""
    x = batch.x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(task.loss(model, replace(batch, x=x)).sum(), x)
    moved = (batch.x + bound * gradient.sign()).clamp(0, 1)
    return replace(batch, x=(moved * 255).round() / 255)
