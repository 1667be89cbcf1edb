"""The weights of a phase's best epoch so far, kept beside those that train on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

Rank = Callable[[Mapping[str, Any]], Sequence[float]]
"""From an epoch's row of `history` to what orders epochs: the least is the best, of equal ones the first."""


class Best:
    """Of the tensors that training moves, those of the best epoch; a part of the phase's checkpoint.

    Args:
        model: as it is trained, with the others already at rest.
    """

    def __init__(self, model: nn.Module, rank: Rank):
        self.rank = rank
        self.epoch: int | None = None
        self.least: list[float] = []
        self.tensors: dict[str, Tensor] = {}
        self._resting = {name for name, value in model.named_parameters() if not value.requires_grad}

    def offer(self, row: Mapping[str, Any], model: nn.Module) -> None:
        """Keep a copy of the model's tensors, on the CPU, if this epoch is the best so far."""
        found = [*self.rank(row)]
        if self.epoch is not None and not found < self.least:
            return
        self.epoch, self.least = row["epoch"], found
        moving = {name: value for name, value in model.state_dict().items() if name not in self._resting}
        self.tensors = {name: value.detach().to("cpu", copy=True) for name, value in moving.items()}

    def restore(self, model: nn.Module) -> None:
        """Give the model these weights; nothing, where no epoch was offered."""
        if self.epoch is not None:
            model.load_state_dict(self.tensors, strict=False)

    def state_dict(self) -> dict[str, Any]:
        return {"epoch": self.epoch, "least": self.least, "tensors": self.tensors}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.epoch, self.least = state["epoch"], state["least"]
        self.tensors = {name: value.cpu() for name, value in state["tensors"].items()}
