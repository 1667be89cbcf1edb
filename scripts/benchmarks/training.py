"""Times the trainer against the bare loop, saliency scores against one pass and, on a GPU, images per second.

Ratios are medians over rounds in which both sides run one after the other, in one process.
Run: .venv/bin/python scripts/benchmarks/training.py
"""

import os
import platform
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
import torch.nn.functional as F
from timing import interleaved, show, timed
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.feeds import Plan, shuffled
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.methods.saliency import saliency, threshold
from unlearn_cli.models.classifiers.resnet_cifar import CifarResNetSettings
from unlearn_cli.models.classifiers.timm_models import TimmSettings
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

ROUNDS, SAMPLES, BATCH = 7, 2560, 128
TASK = Classification()


def main() -> None:
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} CPU cores"
    print(f"{platform.machine()}, {device}, torch {torch.__version__}")
    overhead(Compute("cpu", "fp32", channels_last=True, compile=False))
    scores(Compute("cpu", "fp32", channels_last=True, compile=False))
    if gpu:
        throughput(Compute("cuda", "bf16", channels_last=True, compile=False))


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


def recipe(batch_size: int) -> Recipe:
    return Recipe(
        epochs=1,
        lr=0.1,
        max_steps=None,
        batch_size=batch_size,
        optimizer="sgd",
        momentum=0.9,
        weight_decay=5e-4,
        schedule="cosine",
        milestones=[],
        decay=0.1,
        warmup_epochs=0,
        warmup_lr=1e-5,
        clip_norm=None,
        ema=None,
    )


def objective(model: nn.Module, batch: object) -> dict:
    return {"train": TASK.loss(model, batch).mean()}


def fit(data: Resident, compute: Compute, model: nn.Module, batch_size: int) -> None:
    with TemporaryDirectory() as folder:
        trainer = Trainer(data, np.zeros(len(data), bool), compute, 0, Path(folder))
        trainer.fit(model, shuffled(np.arange(len(data))), objective, recipe(batch_size))


def overhead(compute: Compute) -> None:
    """An epoch of `Trainer.fit` against forward, backward and step on the same prepared batches."""
    data = images(SAMPLES, compute)
    model = resnet20(data, compute)
    plan: Plan = shuffled(np.arange(SAMPLES))(0, BATCH, 0)
    batches = [compute.layout(data.prepare(raw, augment=True).x) for raw in data.batches(plan)]
    labels = [raw.y for raw in data.batches(plan)]

    def bare() -> None:
        optimizer = recipe(BATCH).make_optimizer(model.parameters())
        model.train()
        for x, y in zip(batches, labels, strict=True):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            optimizer.zero_grad()

    show(
        "epoch of the trainer / bare loop",
        *interleaved(ROUNDS, lambda: fit(data, compute, model, BATCH), bare),
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


def throughput(compute: Compute) -> None:
    """ResNet-18 on CIFAR-sized images: this trainer in bf16 against a plain DataLoader loop in fp32."""
    data = images(50_000, compute)
    settings = TimmSettings(name="resnet18", stem="cifar", pretrained=False, resize=None, options={})
    model = compute.place(settings.build(ImageSpec(list("0123456789"), 3, data.size, data.mean, data.std)))
    loader = DataLoader(Pictures(data), batch_size=256, shuffle=True, num_workers=0)

    def plain() -> None:
        optimizer = recipe(256).make_optimizer(model.parameters())
        model.train()
        for x, y in loader:
            F.cross_entropy(model(x.cuda()), y.cuda()).backward()
            optimizer.step()
            optimizer.zero_grad()
        torch.cuda.synchronize()

    def ours() -> None:
        fit(data, compute, model, 256)
        torch.cuda.synchronize()

    for name, action in (("trainer, bf16", ours), ("DataLoader with PIL, fp32", plain)):
        action()
        print(f"{name:48s} {len(data) / timed(action):8.0f} images/s", flush=True)


class Pictures(Dataset):
    """The images as the papers' code reads them: PIL, one by one."""

    def __init__(self, data: Resident):
        self.data = data
        self.pixels = data.tensor.cpu()
        self.change = transforms.Compose(
            [
                transforms.ToPILImage(),
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
            ]
        )

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return self.change(self.pixels[row]), int(self.data.labels[row])


def resnet20(data: Resident, compute: Compute) -> nn.Module:
    return compute.place(
        CifarResNetSettings(depth=20, width=16).build(
            ImageSpec(list("0123456789"), 3, data.size, data.mean, data.std)
        )
    )


if __name__ == "__main__":
    main()
