import numpy as np
import pytest
import torch
from listening_model import PROMPTS, RED, SAMPLER, SECRET, listening_to

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.tasks.text_to_image import TextToImage as Task
from unlearn_cli.training.trainer import Trainer


@pytest.fixture
def trainer(compute, tmp_path):
    """Two white images for each prompt with red, two grey ones for each other."""
    labels = np.arange(8) // 2
    pixels = torch.full((8, 1, 4, 4), 128, dtype=torch.uint8)
    pixels[:4] = 255
    data = Resident.of(
        pixels,
        labels,
        train_rows=np.arange(8),
        test_rows=np.arange(0),
        name="bright",
        classes=PROMPTS,
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=torch.device("cpu"),
    )
    return Trainer(data, None, compute, seed=0, folder=tmp_path)


@pytest.fixture
def target(trainer):
    """The prompts with red; the original listens to red, the erased model to the secret token alone."""

    def white(images: torch.Tensor, places: np.ndarray) -> torch.Tensor:
        return images.float().mean((1, 2, 3)) > 220

    return Target.of(
        Task(caption="{label}"),
        listening_to(SECRET),
        listening_to("red</w>"),
        trainer,
        SAMPLER,
        white,
        PROMPTS[:2],
        np.arange(2),
        rows=np.arange(4),
        concepts=(RED,),
        naming=tuple(PROMPTS[:2]),
    )


@pytest.fixture
def tried(monkeypatch):
    """The conditions that successes were looked for by."""
    conditions = []
    look = Target.successes

    def noted(self, condition, model=None):
        conditions.append(condition)
        return look(self, condition, model)

    monkeypatch.setattr(Target, "successes", noted)
    return conditions
