"""ℓ1-sparse: fine-tuning on the retain set towards sparse weights."""

from typing import Literal

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

    gamma: float = Field(ge=0, description="γ at the start, weight of ‖θ‖₁")
    gamma_decay: Literal["linear", "constant"] = Field(
        description="linear: γ_t = γ·(1 − t/T), the paper's best; constant: γ_t = γ"
    )

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"retain": task.loss(model, batch).mean()}

        return trainer.fit(model, shuffled(sets.retain), objective, self, penalty=self.penalty)

    def penalty(self, parameters: list[Tensor], progress: float) -> Tensor:
        """γ_t·‖θ‖₁; `progress` = t/T in [0, 1)."""
        gamma = self.gamma * (1 - progress) if self.gamma_decay == "linear" else self.gamma
        return l1_penalty(parameters, gamma)


def l1_penalty(parameters: list[Tensor], gamma: float) -> Tensor:
    """γ·‖θ‖₁."""
    return gamma * torch.stack([p.abs().sum() for p in parameters]).sum()
