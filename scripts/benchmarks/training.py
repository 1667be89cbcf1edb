"""Times the trainer against the bare loop, saliency scores against one pass (a GPU's: scripts/gpu_check).

Ratios are medians over rounds in which both sides run one after the other, in one process.
Run: .venv/bin/python -m scripts.benchmarks.training
"""

import os
import platform
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from scripts.benchmarks.timing import interleaved, show
from unlearn_cli.config.composing import composed
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.feeds import Plan, shuffled
from unlearn_cli.data.images import Resident
from unlearn_cli.experiment import read
from unlearn_cli.methods.saliency import saliency, threshold
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

ROUNDS, SAMPLES, BATCH = 7, 2560, 128
FAST = 500
"""Batch of the fast network, whose epoch is four of them."""
TASK = Classification()


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} CPU cores, torch {torch.__version__}")
    compute = Compute("cpu", "fp32", channels_last=True, compile=False)
    data = images(SAMPLES, compute)
    overhead("resnet20", resnet20(data, compute), data, compute, BATCH)
    compute = Compute("cpu", "bf16", channels_last=True, compile=False)
    data = images(4 * FAST, compute)
    overhead("airbench, bf16", airbench(data, compute), data, compute, FAST)
    scores(Compute("cpu", "fp32", channels_last=True, compile=False))


def images(rows: int, compute: Compute) -> Resident:
    """Random 32 x 32 colour images of ten classes, with CIFAR's augmentation."""
    return Resident.of(
        torch.randint(0, 256, (rows, 3, 32, 32), dtype=torch.uint8),
        np.arange(rows) % 10,
        name="random",
        classes=[str(c) for c in range(10)],
        train_rows=np.arange(rows),
        test_rows=np.arange(0),
        augment=Augment(crop_padding=4, flip=True, random_resized=False),
        device=compute.device,
    )


@cache
def recipe(batch_size: int) -> Recipe:
    """An epoch of the papers' recipe for CIFAR-10."""
    papers = read(*composed(("data=cifar10", "train=cifar"))).train
    return papers.model_copy(update={"epochs": 1, "batch_size": batch_size})


def objective(model: nn.Module, batch: object) -> dict:
    return {"train": TASK.loss(model, batch).mean()}


def fit(data: Resident, compute: Compute, model: nn.Module, batch_size: int) -> None:
    with TemporaryDirectory() as folder:
        trainer = Trainer(data, np.zeros(len(data), bool), compute, 0, Path(folder))
        trainer.fit(model, shuffled(np.arange(len(data))), objective, recipe(batch_size))


def overhead(name: str, model: nn.Module, data: Resident, compute: Compute, batch: int) -> None:
    """An epoch of `Trainer.fit` against forward, backward and step on the same prepared batches."""
    plan: Plan = shuffled(np.arange(len(data)))(0, batch, 0)
    batches = [compute.layout(data.prepare(raw, augment=True).x) for raw in data.batches(plan)]
    labels = [raw.y for raw in data.batches(plan)]

    def bare() -> None:
        optimizer = recipe(batch).make_optimizer(model.parameters())
        model.train()
        for x, y in zip(batches, labels, strict=True):
            with compute.autocast():
                loss = F.cross_entropy(model(x).float(), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    show(
        f"epoch of the trainer / bare loop ({name})",
        *interleaved(ROUNDS, lambda: fit(data, compute, model, batch), bare),
    )


def scores(compute: Compute) -> None:
    """Saliency scores and ten masks against one forward and backward pass over the forget set."""
    data = images(SAMPLES, compute)
    model = resnet20(data, compute).eval()
    with TemporaryDirectory() as folder:
        trainer = Trainer(data, np.ones(len(data), bool), compute, 0, Path(folder))
        rows = np.arange(SAMPLES)

        def masks() -> None:
            found = saliency(TASK, model, rows, trainer, BATCH)
            for tenth in range(1, 11):
                threshold(found, tenth / 10)

        batches = list(trainer.batches(rows, BATCH))

        def one_pass() -> None:
            for batch in batches:
                TASK.loss(model, batch).sum().backward()
            model.zero_grad()

        show("scores and masks of ten fractions / one pass", *interleaved(ROUNDS, masks, one_pass))


def resnet20(data: Resident, compute: Compute) -> nn.Module:
    return compute.place(CifarResNetSettings(depth=20, width=16).build(data.spec))


def airbench(data: Resident, compute: Compute) -> nn.Module:
    settings = read(*composed(("data=cifar10", "model=airbench"))).model
    return compute.place(settings.build(data.spec))


if __name__ == "__main__":
    main()
