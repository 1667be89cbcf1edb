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
        description="paper: τ = lr·β_t, the proximal step of the equation, β_t falls linearly to 0; "
        "release: τ is a quantile of |θ − θ_e| over all weights, with θ_e of the epoch's start for θ_o"
    )
    beta: float = Field(ge=0, description="β at the start (compat=paper)")
    ratio: float = Field(
        ge=0, lt=1, description="share of weights put back at the start, falls linearly to 0 (compat=release)"
    )

    def unlearn(self, task: HasWrongLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        objective, feed = self.objective(task, sets, trainer), self.feed(sets)
        if self.compat == "paper":
            return trainer.fit(model, feed, objective, self, proximal=self.shrink)
        pull = self.released(sets, len(feed(0, self.batch_size, trainer.seed)))
        return trainer.fit(model, feed, objective, self, proximal=pull.shrink, companion=pull)

    def shrink(self, parameters: list[Tensor], anchors: list[Tensor], lr: float, progress: float) -> None:
        """The proximal step, in place."""
        moved = [p - anchor for p, anchor in zip(parameters, anchors, strict=True)]
        soften(parameters, anchors, moved, lr * self.beta * (1 - progress))

    def released(self, sets: Sets, steps: int) -> "ReleasedPull":
        """The release's threshold, for epochs of so many steps."""
        forget, retain = (-(-len(rows) // self.batch_size) for rows in (sets.forget, sets.retain))
        within = forget if self.order == "sequential" else steps
        return ReleasedPull(self.ratio, self.epochs, steps, forget + retain, within)


class ReleasedPull:
    """The threshold of SalUn's code, its `RL_proximal`; what it remembers is in the training's checkpoint.

    τ_t is the k-th smallest of |θ − θ_e|, k = ⌊ratio·(1 − (e·s + i + 1)/(E·s))·P⌋ in epoch e of E, with θ_e
    the weights at the start of that epoch and s the number of forget and of retain batches, counted apart.
    i is the step within the pass over D_r that follows the one over D_f (SVHN), 0 in a mixed pass (CIFAR).
    """

    def __init__(self, ratio: float, epochs: int, steps: int, counted: int, still: int):
        """
        Args:
            steps: of an epoch, as they are made.
            counted: s, steps of an epoch as the release counts them.
            still: steps of an epoch for which i stays 0.
        """
        self.ratio, self.epochs, self.steps, self.counted, self.still = ratio, epochs, steps, counted, still
        self.done = 0
        self.anchors: list[Tensor] = []

    def shrink(self, parameters: list[Tensor], anchors: list[Tensor], lr: float, progress: float) -> None:
        """The thresholding, in place; `anchors` are the weights of the first epoch's start."""
        epoch, within = divmod(self.done, self.steps)
        passed = epoch * self.counted + max(0, within - self.still) + 1
        anchors = self.anchors or anchors
        moved = [p - anchor for p, anchor in zip(parameters, anchors, strict=True)]
        tau = kth_smallest(moved, self.ratio * (1 - passed / (self.epochs * self.counted)))
        soften(parameters, anchors, moved, tau)
        self.done += 1
        if self.done % self.steps == 0:
            self.anchors = [p.detach().clone() for p in parameters]

    def step(self) -> dict[str, Tensor]:
        """Nothing is measured."""
        return {}

    def state_dict(self) -> dict:
        return {"done": self.done, "anchors": self.anchors}

    def load_state_dict(self, state: dict) -> None:
        self.done, self.anchors = state["done"], state["anchors"]


def soften(parameters: list[Tensor], anchors: list[Tensor], moved: list[Tensor], tau: float | Tensor) -> None:
    """θ ← anchor + S_τ(moved), in place."""
    for p, anchor, d in zip(parameters, anchors, moved, strict=True):
        p.copy_(anchor + d.sign() * (d.abs() - tau).clamp(min=0))


def kth_smallest(tensors: list[Tensor], share: float) -> Tensor:
    """The k-th smallest magnitude among all P entries, k = ⌊share·P⌋; 0 for k = 0."""
    magnitudes = torch.cat([t.abs().flatten() for t in tensors])
    k = int(share * magnitudes.numel())
    return magnitudes.kthvalue(k).values if k else magnitudes.new_zeros(())
