"""Look-ahead: weights that go back, every few steps, to a slow copy of theirs."""

import torch
from torch import Tensor, nn

EVERY = 5
"""Steps from one meeting to the next."""


class Lookahead:
    """θ_slow ← d·θ_slow + (1 − d)·θ, θ ← θ_slow at every fifth step (Zhang et al. 2019, arXiv:1907.08610).

    d = decay⁵·(share of the steps done)³, as in cifar10-airbench (Jordan 2024, arXiv:2404.00498): at first
    the weights are nearly free, at the end they hardly move. After the last step they are θ_slow. Batch-norm
    statistics go along.
    """

    def __init__(self, model: nn.Module, decay: float, steps: int):
        self.model, self.decay, self.steps = model, decay, steps
        self.slow = {name: value.clone() for name, value in self._state().items()}

    def step(self, done: int) -> None:
        """Called after each of the model's steps with how many there have been."""
        if done % EVERY == 0:
            kept = self.decay**EVERY * (done / self.steps) ** 3
            for name, value in self._state().items():
                value.copy_(self.slow[name].lerp_(value, 1 - kept))
        if done == self.steps:
            for name, value in self._state().items():
                value.copy_(self.slow[name])

    def state_dict(self) -> dict[str, Tensor]:
        return self.slow

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for name, value in self.slow.items():
            value.copy_(state[name])

    def _state(self) -> dict[str, Tensor]:
        """Weights and statistics as they are; those that share a tensor once."""
        found: dict[int, str] = {}
        state = self.model.state_dict()
        for name, value in state.items():
            if torch.is_floating_point(value):
                found.setdefault(value.data_ptr(), name)
        return {name: state[name] for name in found.values()}
