"""What every diffusion model offers: predictions for a state, a step and a condition, guided or not."""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch


class Denoiser(nn.Module, ABC):
    """Predicts from a noisy state x_t (B, c, H, W), its step t (B,) and a condition (B,), a class or prompt.

    The condition `null` stands for "any": in train mode a condition becomes `null` with probability
    `label_drop`, so that it can be guided (Ho & Salimans, 2022). `process` is the noising that it
    is trained to undo (a scheduler of diffusers): its steps, and what is predicted (noise, v or the state).
    """

    has_null: bool = True
    """Whether the network knows the null condition; where not, `label_drop` is 0."""

    def __init__(self, process: Any, null: int, label_drop: float):
        super().__init__()
        self.process = process
        self.null = null
        self.label_drop = label_drop

    @property
    def unconditional(self) -> bool:
        """Whether it has learnt the prediction without a condition, which guidance needs."""
        return self.label_drop > 0

    def forward(self, x: Tensor, t: Tensor, condition: Tensor, drop: bool = True) -> Tensor:
        """drop: whether conditions are dropped in train mode."""
        if self.training and self.label_drop and drop:
            dropped = (torch.rand(len(condition)) < self.label_drop).to(condition.device)
            condition = condition.masked_fill(dropped, self.null)
        return self.predict(x, t, self.conditioning(condition))

    def guided(self, x: Tensor, t: Tensor, condition: Tensor, guidance: float) -> Tensor:
        """(1 + w)·ε(x, c) − w·ε(x, ∅), both passes in one batch; w = 0 is the plain prediction.

        w as in Ho & Salimans and in SalUn; other libraries call 1 + w the guidance scale.
        """
        conditions = self.conditioning(condition)
        if not guidance:
            return self.predict(x, t, conditions)
        nothing = self.conditioning(torch.full((len(x),), self.null, device=x.device))
        both = self.predict(x.repeat(2, 1, 1, 1), t.repeat(2), torch.cat([conditions, nothing]))
        conditional, unconditional = both.chunk(2)
        return (1 + guidance) * conditional - guidance * unconditional

    def conditioning(self, condition: Tensor) -> Tensor:
        """What the network is given for the conditions (B,)."""
        return condition

    @abstractmethod
    def predict(self, x: Tensor, t: Tensor, conditioning: Tensor) -> Tensor:
        """One pass of the network, (B, c, H, W)."""

    def encode(self, batch: Batch) -> Tensor:
        """The states x_0 of a batch's images in [0, 1]."""
        return 2 * batch.x - 1

    def decode(self, x: Tensor) -> Tensor:
        """Images in [0, 1] of finished states."""
        return (x.clamp(-1, 1) + 1) / 2

    def state_shape(self, channels: int, size: tuple[int, int]) -> tuple[int, int, int]:
        """Of the state of an image with so many channels and that height and width."""
        return (channels, *size)


def remedy(model: object) -> str:
    """What would let a model be guided that is not `unconditional`, for a message."""
    if isinstance(model, Denoiser) and not model.has_null:
        return "give weights with a null class (the last, beyond the data's)"
    return "set model.label_drop=0.1"
