"""A small network with batch norm on twelve images of 2 x 2 pixels, whose training a test repeats by itself.

Of the package it takes what runs a method: data, trainer, the task's verbs. What a test computes stands on
torch.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recipes import SGD
from torch import Tensor, nn

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.trainer import Trainer

RECIPE = SGD | {"epochs": 2, "lr": 0.13, "batch_size": 6, "momentum": 0.7, "weight_decay": 0.03}
RATE, MOMENTUM, DECAY = RECIPE["lr"], RECIPE["momentum"], RECIPE["weight_decay"]
Loss = Callable[[nn.Module, np.ndarray, int], Tensor]
"""(model, rows, number of the step) -> the scalar whose gradient a step follows."""


class Network(nn.Module):
    """Linear, batch norm, tanh, linear."""

    def __init__(self, classes: int):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh())
        self.head = nn.Linear(5, classes)
        self.passed = 0
        """Samples that went through this model."""

    def forward(self, x: Tensor) -> Tensor:
        self.passed += len(x)
        return self.head(self.body(x))

    def weight_layers(self) -> list[list[str]]:
        names = [name for name, _ in self.named_parameters()]
        return [names[:-2], names[-2:]]

    def widen_head(self, extra: int) -> None:
        old, self.head = self.head, nn.Linear(5, self.head.out_features + extra)
        for new, kept in zip(self.head.parameters(), old.parameters(), strict=True):
            new.data[: len(kept)] = kept.data

    def narrow_head(self, classes: int) -> None:
        wide, self.head = self.head, nn.Linear(5, classes)
        for new, kept in zip(self.head.parameters(), wide.parameters(), strict=True):
            new.data.copy_(kept.data[:classes])


class Small:
    """Rows 0 to 3 are to be forgotten; `steps` are the rows of the steps that a method has made."""

    def __init__(self, folder: Path, classes: int = 3):
        generator = np.random.default_rng(4)
        rows, none = np.arange(12), np.arange(0)
        self.classes = classes
        self.pixels = torch.from_numpy(generator.integers(0, 256, (12, 1, 2, 2), dtype=np.uint8))
        self.labels = torch.from_numpy(generator.integers(0, classes, 12))
        data = Recording.of(
            self.pixels,
            self.labels.numpy(),
            train_rows=rows,
            test_rows=none,
            name="small",
            classes=[str(number) for number in range(classes)],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
        )
        self.forget, self.retain, self.rows = rows[:4], rows[4:], rows
        self.sets = Sets(rows, none, none, self.forget, self.retain, none, (), "split", "small")
        self.task = Classification()
        compute = Compute("cpu", "fp32", channels_last=False, compile=False)
        self.trainer = Trainer(data, self.sets.is_forget(12), compute, seed=0, folder=folder)

    @property
    def steps(self) -> list[np.ndarray]:
        return self.trainer.data.seen

    def model(self) -> Network:
        """The original: its batch-norm statistics are not those that it was made with."""
        torch.manual_seed(1)
        model = Network(self.classes)
        model.train()(self.x(self.rows))
        model.passed = 0
        return model.eval()

    def unlearned(self, method: Any) -> Network:
        return method.unlearn(self.task, self.model(), self.sets, self.trainer)

    def x(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        return self.pixels[torch.as_tensor(rows)].float() / 255

    def y(self, rows: Sequence[int] | np.ndarray) -> Tensor:
        return self.labels[torch.as_tensor(rows)]

    def shown_to_teachers(self, monkeypatch: Any) -> list[Tensor]:
        """The images that networks in eval mode are shown from now on: in training, a teacher."""
        shown, forward = [], Network.forward

        def watched(network: Network, x: Tensor) -> Tensor:
            if not network.training:
                shown.append(x.detach().clone())
            return forward(network, x)

        monkeypatch.setattr(Network, "forward", watched)
        return shown

    def losses(self, model: nn.Module, rows: np.ndarray, labels: Tensor | None = None) -> Tensor:
        """Cross-entropy of each row (n,), written out."""
        log_p = model(self.x(rows)).log_softmax(1)
        labels = self.y(rows) if labels is None else labels
        return -log_p[torch.arange(len(rows)), labels]

    def in_forget(self, rows: np.ndarray) -> Tensor:
        return torch.as_tensor(rows) < 4


class Recording(Resident):
    """Remembers the rows of each batch that is asked for."""

    def batches(self, plan, forget=None, anchor=None):
        self.seen = [*self.__dict__.get("seen", []), *plan]
        return super().batches(plan, forget, anchor)


def trained(
    start: nn.Module,
    steps: Sequence[np.ndarray],
    loss: Loss,
    after: Callable[[nn.Module, int], None] = lambda model, number: None,
    names: Callable[[str], bool] = lambda name: True,
    rate: Callable[[int], float] = lambda number: RATE,
) -> nn.Module:
    """SGD with momentum and weight decay, in train mode: g ← ∇ℓ + d·θ, v ← μ·v + g, θ ← θ − η·v."""
    model = deepcopy(start).train()
    moved = {name: p for name, p in model.named_parameters() if names(name)}
    velocity = {name: torch.zeros_like(p) for name, p in moved.items()}
    for number, rows in enumerate(steps):
        gradients = torch.autograd.grad(loss(model, rows, number), [*moved.values()])
        with torch.no_grad():
            for (name, p), gradient in zip(moved.items(), gradients, strict=True):
                velocity[name] = MOMENTUM * velocity[name] + gradient + DECAY * p
                p -= rate(number) * velocity[name]
            after(model, number)
    return model


def assert_same(found: nn.Module, expected: nn.Module) -> None:
    """Parameters and batch-norm statistics."""
    left, right = found.state_dict(), expected.state_dict()
    assert left.keys() == right.keys()
    for name, tensor in left.items():
        torch.testing.assert_close(
            tensor, right[name], rtol=1e-5, atol=2e-6, msg=lambda m, n=name: f"{n}: {m}"
        )
