"""A text-to-image problem of a second: captions with "dotted" and with "plain", images of 8 x 8 pixels."""

from pathlib import Path

import numpy as np
import recipes
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage as Network
from unlearn_cli.models.diffusion.tiny_text_to_image import TinyTextToImage
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.text_to_image import TextToImage
from unlearn_cli.training.trainer import Trainer

CAPTIONS = ["red dotted wall", "blue dotted wall", "red plain wall", "blue plain wall"]
SAMPLER = {"steps": 3, "eta": 0.0, "guidance": 1.0, "batch_size": 4, "seed": 0}
ADAM = recipes.PLAIN | {"epochs": 1, "lr": 1e-3, "batch_size": 4, "optimizer": "adam"}


class TinyText:
    """Task, sets, trainer and models; rows 0 and 1 (and 4, 5) are forgotten, the others are their anchors."""

    def __init__(self, folder: Path):
        self.folder = folder
        rows = np.arange(8)
        pixels = np.random.default_rng(0).integers(0, 256, (8, 3, 8, 8), dtype=np.uint8)
        self.data = Resident.of(
            torch.from_numpy(pixels),
            rows % 4,
            train_rows=rows,
            test_rows=rows[:0],
            name="tiny",
            classes=CAPTIONS,
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
        )
        forget, none = rows[rows % 4 < 2], rows[:0]
        self.sets = Sets(
            train=rows,
            val=none,
            test=none,
            forget=forget,
            retain=rows[rows % 4 > 1],
            test_forgotten=none,
            classes=(0, 1),
            split="split",
            fingerprint="tiny",
            anchors=forget + 2,
            concepts=(Substitution("dotted", "plain", "object"),),
        )
        self.task = TextToImage(caption="{label}")
        self.sampler = Sampler(**SAMPLER)
        self.trainer = self.trainer_in(folder)

    def trainer_in(self, folder: Path, **changes) -> Trainer:
        folder.mkdir(exist_ok=True)
        compute = Compute(device="cpu", precision="fp32", channels_last=False, compile=False)
        anchors = self.sets.anchor_labels(self.data.labels)
        return Trainer(self.data, self.sets.is_forget(8), compute, 0, folder, anchors, **changes)

    def model(self, seed: int = 1, label_drop: float = 0.1) -> Network:
        torch.manual_seed(seed)
        settings = TinyTextToImage(**recipes.TINY_TEXT | {"label_drop": label_drop})
        return settings.build(ImageSpec(CAPTIONS, 3, (8, 8), (0.0,) * 3, (1.0,) * 3)).eval()

    def batch(self, rows: np.ndarray):
        (batch,) = self.trainer.batches(rows)
        return batch


def moved(before: torch.nn.Module, after: torch.nn.Module) -> set[str]:
    """Names of the parameters that differ; both models have the same."""
    old, new = dict(before.named_parameters()), dict(after.named_parameters())
    assert set(old) == set(new)
    return {name for name in old if not torch.equal(old[name], new[name])}
