"""Steps of SGD that a test takes by itself, on the rows that a method has been trained on."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import recipes
import torch
from torch import Tensor, nn

RECIPE = recipes.PLAIN | {
    "epochs": 2,
    "lr": 0.013,
    "batch_size": 6,
    "optimizer": "sgd",
    "momentum": 0.7,
    "weight_decay": 0.03,
}
Rows = list[np.ndarray]
Loss = Callable[[Any, np.ndarray, int], Tensor]
"""(model, rows, number of the step) -> the scalar whose gradient a step follows."""


def watched(trainer: Any) -> dict[str, Rows]:
    """By stage the rows of each step; filled in once the trainer fits."""
    epochs: dict[tuple[str, int], Rows] = {}
    stages: dict[str, Rows] = {}
    fit = trainer.fit

    def fit_and_tell(model, feed, objective, recipe, *, stage="unlearn", **named):
        def told(epoch, size, seed):
            epochs[stage, epoch] = feed(epoch, size, seed)
            return epochs[stage, epoch]

        found = fit(model, told, objective, recipe, stage=stage, **named)
        steps = [rows for (of, _), plan in sorted(epochs.items()) if of == stage for rows in plan]
        stages[stage] = steps[: recipe.max_steps]
        return found

    trainer.fit = fit_and_tell
    return stages


def repeated(
    model: nn.Module, names: Collection[str], steps: Rows, loss: Loss, **changes: float
) -> nn.Module:
    """The model, moved: v ← m·v + g + w·θ, θ ← θ − r·v; parameters without a gradient rest."""
    recipe = RECIPE | changes
    moved = {name: model.get_parameter(name) for name in names}
    speed = {name: torch.zeros_like(parameter) for name, parameter in moved.items()}
    for parameter in moved.values():
        parameter.requires_grad_(True)
    for number, rows in enumerate(steps):
        found = torch.autograd.grad(loss(model, rows, number), list(moved.values()), allow_unused=True)
        with torch.no_grad():
            for (name, parameter), gradient in zip(moved.items(), found, strict=True):
                if gradient is None:
                    continue
                decayed = gradient + recipe["weight_decay"] * parameter
                speed[name] = recipe["momentum"] * speed[name] + decayed
                parameter -= recipe["lr"] * speed[name]
    return model


def assert_same(found: nn.Module, expected: nn.Module, start: nn.Module, names: Collection[str]) -> None:
    """Of these parameters, which have moved; all others are bit for bit what they were at the start."""
    for name in names:
        one, other = found.get_parameter(name).detach(), expected.get_parameter(name).detach()
        torch.testing.assert_close(
            one, other, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert any(not torch.equal(found.get_parameter(name), start.get_parameter(name)) for name in names)
    for name, parameter in start.named_parameters():
        if name not in names:
            assert torch.equal(found.get_parameter(name), parameter), name
