"""SalUn-soft: random labels with an ℓ1 pull back to the original weights in the mask's place."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.rl import RandomLabel
from unlearn_cli.tasks.verbs.base import HasWrongLoss
from unlearn_cli.training.trainer import Trainer


class SalUnSoft(RandomLabel):
    """min_θ L_SalUn(θ) + β·‖θ − θ_o‖₁ by proximal SGD (Fan et al., ICLR 2024, soft-thresholding variant).

    After each step θ ← θ_o + S_τ(θ − θ_o) with the soft threshold S_τ(d) = sign(d)·max(|d| − τ, 0):
    what moved little returns to θ_o exactly, so the mask finds itself.
    """

    compat: Literal["paper", "release"] = Field(
        description="paper: τ = lr·β_t, the proximal step of the equation; "
        "release: τ = the `ratio`_t-quantile of |θ − θ_o| over all weights; both fall linearly to 0"
    )
    beta: float = Field(ge=0, description="β at the start (compat=paper)")
    ratio: float = Field(ge=0, lt=1, description="share of weights put back at the start (compat=release)")

    def unlearn(self, task: HasWrongLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        objective = self.objective(task, sets)
        return trainer.fit(model, self.feed(sets), objective, self, proximal=self.shrink)

    def shrink(self, parameters: list[Tensor], anchors: list[Tensor], lr: float, progress: float) -> None:
        """The proximal step, in place. The released code re-takes θ_o in every epoch; this one does not."""
        moved = [p - anchor for p, anchor in zip(parameters, anchors, strict=True)]
        remaining = 1 - progress
        if self.compat == "paper":
            tau: float | Tensor = lr * self.beta * remaining
        else:
            tau = kth_smallest(moved, self.ratio * remaining)
        for p, anchor, d in zip(parameters, anchors, moved, strict=True):
            p.copy_(anchor + d.sign() * (d.abs() - tau).clamp(min=0))


def kth_smallest(tensors: list[Tensor], share: float) -> Tensor:
    """The k-th smallest magnitude among all P entries, k = ⌊share·P⌋; 0 for k = 0."""
    magnitudes = torch.cat([t.abs().flatten() for t in tensors])
    k = int(share * magnitudes.numel())
    return magnitudes.kthvalue(k).values if k else magnitudes.new_zeros(())
