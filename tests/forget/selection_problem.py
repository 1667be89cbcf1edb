"""A selection small enough to try all subsets: a linear softmax model on images of 1 x 2 x 2 pixels."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import recipes
import torch
from torch import Tensor, nn

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import Resident
from unlearn_cli.forget.worst_case import WorstCase
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

SIGN_STEPS = recipes.PLAIN | {"epochs": 10, "lr": 0.02, "batch_size": 64, "optimizer": "sign"}
FINE_TUNE = {"_target_": "unlearn_cli.forget.lower.FineTune", "ascent": 0.0, **SIGN_STEPS}
RETRAIN = FINE_TUNE | {"_target_": "unlearn_cli.forget.lower.Retrain", "epochs": 40}
DEFAULTS = {
    "mode": "worst",
    "unit": "sample",
    "fraction": None,
    "count": 2,
    "seed": 0,
    "iterations": 20,
    "gamma": 1e-4,
    "step": "leader",
    "eta": 0.1,
    "iterate": "best",
    "start": "uniform",
    "binarise_every": None,
    "patience": 5,
    "tolerance": 0.02,
}
"""Those of conf/forget/worst_case.yaml, but for the size."""


def worst_case(lower: dict[str, Any] = FINE_TUNE, **changes: Any) -> WorstCase:
    return WorstCase(**DEFAULTS | {"lower": lower} | changes)


class Linear(nn.Module):
    """Logits of pixels in [−2, 2]; zero at the start, so that "from scratch" has no chance in it."""

    def __init__(self, classes: int):
        super().__init__()
        self.head = nn.Linear(4, classes)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(4 * (x.flatten(1) - 0.5))


def noisy_clusters(seed: int, count: int) -> Resident:
    """Three clusters that overlap, a fifth of the labels wrong."""
    generator = np.random.default_rng(seed)
    centres, labels = generator.integers(60, 196, (3, 4)), np.arange(count) % 3
    pixels = np.clip(centres[labels] + 40 * generator.normal(size=(count, 4)), 0, 255).astype(np.uint8)
    wrong = generator.permutation(count)[: count // 5]
    labels[wrong] = (labels[wrong] + 1) % 3
    return Resident.of(
        torch.from_numpy(pixels).reshape(count, 1, 2, 2),
        labels,
        train_rows=np.arange(count),
        test_rows=np.arange(0),
        name="clusters",
        classes=["a", "b", "c"],
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
    )


def origins_of(seed: int, count: int, folder: Path, epochs: int = 30) -> Any:
    """What a selection asks of `Origins`; the original is trained on all rows, in whole batches."""
    data, task = noisy_clusters(seed, count), Classification()
    compute = Compute("cpu", "fp32", channels_last=False, compile=False)

    def trainer(folder: Path, **stage: str) -> Trainer:  # one seed for all stages
        return Trainer(data, None, compute, 0, folder)

    recipe = Recipe(**SIGN_STEPS | {"optimizer": "sgd", "lr": 0.5, "epochs": epochs})
    folder.mkdir(parents=True, exist_ok=True)
    original = trainer(folder).fit(
        Linear(3),
        shuffled(np.arange(count)),
        lambda model, batch: {"train": task.loss(model, batch).mean()},
        recipe,
        stage="original",
    )
    return SimpleNamespace(
        data=data,
        experiment=SimpleNamespace(task=task),
        trainer=trainer,
        build=lambda: Linear(3),
        get=lambda _: SimpleNamespace(model=original),
    )


class Silent:
    """A tracker that keeps what it is told."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, dict[str, float]]] = []

    def log(self, stage: str, step: int, values: dict[str, float]) -> None:
        self.rows.append((stage, step, values))
