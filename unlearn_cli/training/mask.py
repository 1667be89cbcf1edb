"""A weight mask: which entries of which parameters may move while a model is trained."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Mask:
    """SalUn's m_S (Fan et al., ICLR 2024, Eq. 4) or any other: parameter name -> bool tensor of its shape.

    mode `hard`: a masked entry keeps its value bit for bit, against weight decay and momentum too.
    mode `grad_only`: only its gradient is zeroed, so weight decay still moves it; the released SalUn code
    did this until February 2026, and the published tables stem from that time.
    Parameters without an entry are free; buffers (batch-norm statistics) are never masked.
    """

    tensors: dict[str, Tensor]
    mode: Literal["hard", "grad_only"] = "hard"
    seconds: float = 0.0
    """What it cost to make, be it now or when it went into the store."""

    def fraction(self) -> float:
        """Share of the masked parameters' entries that may move."""
        return sum(int(m.sum()) for m in self.tensors.values()) / sum(
            m.numel() for m in self.tensors.values()
        )

    def bind(self, named: dict[str, nn.Parameter]) -> "BoundMask":
        """The mask over these parameters, whose present values are the ones kept."""
        return BoundMask(self, named)


class BoundMask:
    """A mask tied to a model's parameters as they were at the start of training."""

    def __init__(self, mask: Mask, named: dict[str, nn.Parameter]):
        chosen = {name: p for name, p in named.items() if name in mask.tensors}
        self.parameters = list(chosen.values())
        self.free = [_grown(mask.tensors[name], p).to(p.device) for name, p in chosen.items()]
        self.anchors = [p.detach().clone() for p in self.parameters] if mask.mode == "hard" else None

    def gradients(self) -> None:
        """Zero the gradient of masked entries (before clipping, so that they count for nothing there)."""
        for p, free in zip(self.parameters, self.free, strict=True):
            if p.grad is not None:
                p.grad.mul_(free)

    @torch.no_grad()
    def restore(self) -> None:
        """Put masked entries back after a step (mode `hard`)."""
        if self.anchors is not None:
            for p, free, anchor in zip(self.parameters, self.free, self.anchors, strict=True):
                torch.where(free, p, anchor, out=p.data)


def _grown(free: Tensor, parameter: Tensor) -> Tensor:
    """A head that was widened (boundary expanding) has new rows; they are free."""
    if free.shape == parameter.shape:
        return free
    grown = torch.ones_like(parameter, dtype=torch.bool)
    grown[tuple(slice(n) for n in free.shape)] = free.to(grown.device)
    return grown
