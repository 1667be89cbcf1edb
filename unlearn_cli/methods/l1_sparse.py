"""ℓ1-sparse: fine-tuning on the retain set towards sparse weights."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class L1Sparse(GradientMethod):
    """min_θ E_{D_r}[ℓ(θ; x, y)] + γ_t·‖θ‖₁ from θ_o (Jia et al., NeurIPS 2023).

    Over all parameters, biases and norms included, as released; nothing is pruned.
    """

    sides: ClassVar[tuple[str, ...] | None] = None

    gamma: float = Field(ge=0, description="γ at the start, weight of ‖θ‖₁")
    gamma_decay: Literal["linear", "epoch", "constant"] = Field(
        description="linear: γ_t = γ·(1 − t/T), the paper's best, at every step; epoch: so at every epoch, "
        "γ·(1 − e/E) in epoch e from 0 (release); constant: γ_t = γ"
    )

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"retain": task.loss(model, batch).mean()}

        return trainer.fit(model, shuffled(sets.retain), objective, self, penalty=self.penalty)

    def penalty(self, parameters: list[Tensor], progress: float) -> Tensor:
        """γ_t·‖θ‖₁; `progress` = t/T in [0, 1)."""
        if self.gamma_decay == "epoch":
            progress = int(round(progress * self.epochs, 9)) / self.epochs  # t/T is a float
        faded = 0 if self.gamma_decay == "constant" else progress
        return l1_penalty(parameters, self.gamma * (1 - faded))


def l1_penalty(parameters: list[Tensor], gamma: float) -> Tensor:
    """γ·‖θ‖₁."""
    return gamma * torch.stack([p.abs().sum() for p in parameters]).sum()
