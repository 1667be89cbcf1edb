"""A diffusion problem of a second: twelve images of 4 x 4 pixels, three classes, class 0 to be forgotten."""

from pathlib import Path

import numpy as np
import recipes
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.unet import ClassConditional, UNetSettings
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.generation import Generation
from unlearn_cli.training.trainer import Trainer

SAMPLER = {"steps": 3, "eta": 0.0, "guidance": 2.0, "batch_size": 4, "seed": 0}
ADAM = recipes.PLAIN | {"epochs": 1, "lr": 1e-3, "batch_size": 8, "optimizer": "adam"}


class TinyDiffusion:
    """Task, sets, trainer and models; `seed` is that of the images alone."""

    def __init__(self, folder: Path, seed: int = 0):
        generator = np.random.default_rng(seed)
        rows = np.arange(12)
        self.data = Resident.of(
            torch.from_numpy(generator.integers(0, 256, (12, 1, 4, 4), dtype=np.uint8)),
            rows % 3,
            train_rows=rows,
            test_rows=rows[:0],
            name="tiny",
            classes=["a", "b", "c"],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
        )
        none = rows[:0]
        self.sets = Sets(
            rows, none, none, rows[rows % 3 == 0], rows[rows % 3 > 0], none, (0,), "split", "tiny"
        )
        self.task = Generation(other="next", compat="paper")
        self.sampler = Sampler(**SAMPLER)
        compute = Compute(device="cpu", precision="fp32", channels_last=False, compile=False)
        folder.mkdir(exist_ok=True)
        self.trainer = Trainer(self.data, self.sets.is_forget(12), compute, seed=0, folder=folder)

    def model(self, seed: int = 1, label_drop: float = 0.1) -> ClassConditional:
        torch.manual_seed(seed)
        settings = UNetSettings(
            channels=[8, 8],
            attention=[False, True],
            layers=1,
            head_dim=4,
            groups=4,
            dropout=0.0,
            label_drop=label_drop,
            timesteps=60,  # a multiple of the samplers' steps
            beta_schedule="linear",
            prediction="epsilon",
        )
        return settings.build(ImageSpec(list("abc"), 1, (4, 4), (0.0,), (1.0,))).eval()

    def batch(self, rows: np.ndarray):
        (batch,) = self.trainer.batches(rows)
        return batch


class Recorder:
    """A trainer that keeps what it is asked to minimise, and is otherwise the given one."""

    def __init__(self, trainer: Trainer):
        self.trainer = trainer

    def __getattr__(self, name: str):
        return getattr(self.trainer, name)

    def fit(self, model, feed, objective, recipe, penalty=None):
        self.feed, self.objective, self.penalty = feed, objective, penalty
        return model
