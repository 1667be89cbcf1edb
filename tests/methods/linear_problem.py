"""A problem small enough for closed forms: a linear softmax model on twelve images of 1 x 2 x 2 pixels."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import recipes
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.trainer import Trainer

PLAIN_SGD = recipes.PLAIN | {"epochs": 1, "lr": 0.5, "batch_size": 12}


class Linear(nn.Module):
    """Logits W x without a bias; optionally W_2 tanh(W_1 x)."""

    def __init__(self, classes: int, hidden: int | None = None):
        super().__init__()
        self.features = nn.Linear(4, hidden, bias=False) if hidden else nn.Identity()
        self.head = nn.Linear(hidden or 4, classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x.flatten(1))
        return self.head(x if isinstance(self.features, nn.Identity) else x.tanh())

    def weight_layers(self) -> list[list[str]]:
        return [["features.weight"], ["head.weight"]]

    def widen_head(self, extra: int) -> None:
        old = self.head
        self.head = nn.Linear(old.in_features, old.out_features + extra, bias=False)
        self.head.weight.data[: old.out_features] = old.weight.data

    def narrow_head(self, classes: int) -> None:
        weight = self.head.weight.data[:classes]
        self.head = nn.Linear(self.head.in_features, classes, bias=False)
        self.head.weight.data = weight


@dataclass
class Problem:
    """Images, labels and rows, with the closed forms of the linear model's loss."""

    classes: int
    folder: Path

    def __post_init__(self) -> None:
        generator = np.random.default_rng(0)
        pixels = torch.from_numpy(generator.integers(0, 256, (12, 1, 2, 2), dtype=np.uint8))
        labels = generator.integers(0, self.classes, 12)
        rows = np.arange(12)
        self.data = Resident.of(
            pixels,
            labels,
            train_rows=rows,
            test_rows=rows[:0],
            name="tiny",
            classes=[str(c) for c in range(self.classes)],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
        )
        self.sets = Sets(rows, rows[:0], rows[:0], rows[:4], rows[4:], rows[:0], (), "split", "tiny")
        self.task = Classification()
        compute = Compute(device="cpu", precision="fp32", channels_last=False, compile=False)
        self.trainer = Trainer(self.data, self.sets.is_forget(12), compute, seed=0, folder=self.folder)

    def model(self, hidden: int | None = None) -> Linear:
        torch.manual_seed(1)
        return Linear(self.classes, hidden)

    def batch(self, rows: np.ndarray):
        (batch,) = self.trainer.batches(rows)
        return batch

    def x(self, rows: np.ndarray) -> Tensor:
        """(n, 4) pixels in [0, 1]."""
        return self.data.tensor[torch.from_numpy(rows)].flatten(1) / 255

    def y(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self.data.labels[rows])

    def errors(self, weight: Tensor, rows: np.ndarray, labels: Tensor | None = None) -> Tensor:
        """softmax(W x) − onehot(y), (n, C): the gradient of cross-entropy by the logits."""
        labels = self.y(rows) if labels is None else labels
        probabilities = (self.x(rows) @ weight.T).softmax(dim=1)
        return probabilities - F.one_hot(labels, weight.shape[0])

    def gradient(self, weight: Tensor, rows: np.ndarray, labels: Tensor | None = None) -> Tensor:
        """∇_W of the mean cross-entropy, (C, 4)."""
        return self.errors(weight, rows, labels).T @ self.x(rows) / len(rows)

    def gradients(self, weight: Tensor, rows: np.ndarray) -> Tensor:
        """∇_W of each sample's cross-entropy, flat, (n, 4 C)."""
        return torch.einsum("nc,nd->ncd", self.errors(weight, rows), self.x(rows)).flatten(1)
