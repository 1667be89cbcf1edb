"""One step of training: from loss terms to new weights."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn

from unlearn_cli.runtime.compute import Compute
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.surgery import Surgery

Penalty = Callable[[list[Tensor], float], Tensor]
Proximal = Callable[[list[Tensor], list[Tensor], float, float], None]


class Companion(Protocol):
    """What is trained beside the model (a discriminator); kept in the same checkpoint."""

    def step(self) -> dict[str, Tensor]:
        """Called after each of the model's steps; gives what was measured, by name."""

    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict) -> None: ...


class Step:
    """The optimiser with everything that bends its step: penalty, surgery, mask, clipping, proximal step."""

    def __init__(
        self,
        model: nn.Module,
        named: dict[str, nn.Parameter],
        recipe: Recipe,
        compute: Compute,
        mask: Mask | None,
        surgery: Surgery | None,
        penalty: Penalty | None,
        proximal: Proximal | None,
    ):
        self.named = named
        self.parameters: list[Tensor] = list(named.values())
        self.recipe, self.compute = recipe, compute
        self.optimizer = recipe.make_optimizer(recipe.parameter_groups(model, named))
        self.scaler = compute.scaler()
        self.mask = mask.bind(named) if mask else None
        self.surgery, self.penalty, self.proximal = surgery, penalty, proximal
        self.anchors = [p.detach().clone() for p in self.parameters] if proximal else []

    @property
    def rate(self) -> float:
        """The learning rate of the step that comes next."""
        return self.optimizer.param_groups[0]["lr"]

    def __call__(self, terms: dict[str, Tensor], progress: float) -> dict[str, Tensor]:
        """Step; `terms` gains the penalty. What was measured, by name. Without terms the model rests.

        progress: share of the phase that is done, in [0, 1).
        """
        if not terms:
            return {}
        if self.penalty:
            terms["penalty"] = self.penalty(self.parameters, progress)
        found: dict[str, Tensor] = {}
        if self.surgery:
            gradients, found = self.surgery.combined(terms, self.named)
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.grad = self.compute.mean(gradient)
        else:
            self.scaler.scale(total(terms)).backward()
        if self.mask:
            self.mask.gradients()
        if self.recipe.clip_norm:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.parameters, self.recipe.clip_norm)
        rate = self.rate
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad()
        if self.proximal:
            with torch.no_grad():
                self.proximal(self.parameters, self.anchors, rate, progress)
        if self.mask and (self.recipe.weight_decay or self.proximal):  # else nothing moves without a gradient
            self.mask.restore()
        return found


def total(terms: dict[str, Tensor]) -> Tensor:
    """The sum of the terms, in float32."""
    return torch.stack([term.float() for term in terms.values()]).sum()
