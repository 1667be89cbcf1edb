"""A CLIP problem of a second: three classes in two domains, images of 8 x 8 pixels; the first domain goes."""

from pathlib import Path

import numpy as np
import recipes
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.clip import Clip
from unlearn_cli.training.trainer import Trainer

CLASSES, DOMAINS = ["circle", "cross", "star"], ["photo", "sketch"]
TINY = {
    "template": "a {}",
    "dim": 8,
    "patch_size": 4,
    "width": 16,
    "head_width": 8,
    "layers": 3,
    "text_layers": 2,
    "tokens": 12,
}
ADAM = recipes.PLAIN | {"epochs": 2, "lr": 1e-2, "batch_size": 6, "optimizer": "adam"}
"""A recipe; two steps an epoch over all rows."""


class TinyProblem:
    """Task, sets, trainer and models; row r is of class r % 3, the first six of domain 0, which goes."""

    def __init__(self, folder: Path):
        self.folder = folder
        rows = np.arange(12)
        domains = rows // 6
        pixels = np.random.default_rng(0).integers(0, 256, (12, 3, 8, 8), dtype=np.uint8)
        pixels[domains == 1] //= 4  # domains that can be told apart
        self.data = Resident.of(
            torch.from_numpy(pixels),
            rows % 3,
            train_rows=rows,
            test_rows=rows[:0],
            name="tiny",
            classes=CLASSES,
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
            columns={"domain": np.array(DOMAINS, dtype=object)[domains]},
        )
        none = rows[:0]
        self.sets = Sets(
            train=rows,
            val=none,
            test=none,
            forget=rows[:6],
            retain=rows[6:],
            test_forgotten=none,
            classes=(),
            split="split",
            fingerprint="tiny",
            unforgotten=rows[6:],
            groups=domains,
        )
        self.task = Clip(captions=("a {label}", "a {domain} of a {label}"))
        self.trainer = self.trainer_in(folder)

    def trainer_in(self, folder: Path, **changes) -> Trainer:
        folder.mkdir(exist_ok=True)
        compute = Compute(device="cpu", precision="fp32", channels_last=False, compile=False)
        return Trainer(self.data, self.sets.is_forget(12), compute, 0, folder, **changes)

    def model(self, seed: int = 1) -> ZeroShotClip:
        torch.manual_seed(seed)
        return TinyClip(**TINY).build(ImageSpec(CLASSES, 3, (8, 8), (0.5,) * 3, (0.25,) * 3)).eval()

    def batch(self, rows: np.ndarray):
        (batch,) = self.trainer.batches(rows)
        return batch
