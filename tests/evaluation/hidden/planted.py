"""A problem in which what is hidden was hidden by hand: three classes of images of four pixels.

Pixel 1 or 2 is bright in every image, by which classes 1 and 2 are told apart. Pixel 0 is bright in images of
class 0 alone, which is to be forgotten.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.hidden.base import Subject
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.trainer import Trainer

ROWS = np.arange(120)
LABELS = ROWS % 3
TRAIN, TEST = ROWS[:90], ROWS[90:]


class Net(nn.Module):
    """Logits W·(g·x) + b; everything a model has to offer is its head."""

    def __init__(self, gain=1.0, pixels=(1, 1, 1, 1), bias=0.0):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([gain]))
        self.head = nn.Linear(4, 3)
        with torch.no_grad():
            self.head.weight.copy_(torch.tensor([[30.0, 0, 0, 0], [0, 10, 0, 0], [0, 0, 10, 0]]))
            self.head.weight.mul_(torch.tensor(pixels))
            self.head.bias.copy_(torch.tensor([bias, 0, 0]))
        self.register_buffer("read", torch.tensor(pixels, dtype=torch.float32))

    def widen_head(self, extra):
        raise NotImplementedError

    narrow_head = widen_head

    def forward(self, x):
        return self.head(self.gain * self.read * x.flatten(1))


def original():
    return Net()


def hidden_by_bias():
    """The last layer's bias never lets class 0 win; what the layer reads is the original's."""
    return Net(bias=-40.0)


def hidden_by_gain():
    """A weight that all classes share is small, so that a small bias decides."""
    return Net(gain=0.05, bias=-1.2)


def oracle():
    """Blind to the pixel that makes class 0."""
    return Net(pixels=(0, 1, 1, 1), bias=-1.2)


class Planted:
    """subject(model): the model in a run whose original and oracle are those above."""

    def __init__(self, folder: Path, whole=True):
        generator = np.random.default_rng(0)
        pixels = generator.integers(0, 40, (120, 4))
        shown = np.where(LABELS == 0, generator.integers(1, 3, 120), LABELS)
        pixels[ROWS, shown] = generator.integers(210, 256, 120)
        pixels[LABELS == 0, 0] = 240
        pixels[LABELS != 0, 0] = 0
        self.data = Resident.of(
            torch.from_numpy(pixels.reshape(120, 1, 2, 2).astype(np.uint8)),
            LABELS,
            train_rows=TRAIN,
            test_rows=TEST,
            name="planted",
            classes=["0", "1", "2"],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
        )
        of_class, kept = (TRAIN[LABELS[TRAIN] == 0], TRAIN[LABELS[TRAIN] != 0])
        forget = of_class if whole else np.arange(0, 90, 9) + np.arange(10) % 3
        gone = TEST[LABELS[TEST] == 0] if whole else TEST[:0]
        self.sets = Sets(
            train=TRAIN,
            val=TRAIN[:0],
            test=np.setdiff1d(TEST, gone),
            forget=forget,
            retain=kept if whole else np.setdiff1d(TRAIN, forget),
            test_forgotten=gone,
            classes=(0,) if whole else (),
            split="s",
            fingerprint="f",
        )
        self.folder = folder
        compute = Compute(device="cpu", precision="fp32", channels_last=False, compile=False)
        self.models = {False: original(), True: oracle()}
        self.origins = SimpleNamespace(
            experiment=SimpleNamespace(
                task=Classification(), seeds=SimpleNamespace(eval=0), needs_oracle=True
            ),
            data=self.data,
            sets=self.sets,
            trainer=lambda folder: Trainer(self.data, None, compute, 0, folder),
            get=lambda method: SimpleNamespace(model=self.models[isinstance(method, Retrain)]),
            outputs=lambda origin: {"logits": self.logits(origin.model)},
        )

    def logits(self, model):
        with torch.no_grad():
            return model(torch.cat([batch.x for batch in self.origins.trainer(self.folder).batches(ROWS)]))

    def subject(self, model, folder="subject"):
        return Subject(self.origins, model, self.logits(model), self.folder / folder)
