"""A vision-language problem of a second: two colours, two shapes, images of 8 x 8 pixels; red goes."""

from pathlib import Path

import numpy as np
import recipes
import torch

from unlearn_cli.data.augment import Augment
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.images import Resident
from unlearn_cli.data.questions import Question
from unlearn_cli.data.splits import divide, split
from unlearn_cli.forget.answer import Answer
from unlearn_cli.models.vlm.tiny_vlm import TinyVlm
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.vlm import Vlm
from unlearn_cli.training.trainer import Trainer

COLOURS, SHAPES = {"red": (220, 40, 40), "blue": (40, 60, 220)}, ["circle", "square"]
QUESTIONS = {
    "colour": Question(ask="what colour is it ?", answer="{colour}"),
    "shape": Question(ask="what shape is it ?", answer="{shape}"),
    "caption": Question(ask="describe the picture .", answer="a {colour} {shape}"),
}
REFUSALS = ("i do not know", "i cannot say")
TINY = {
    "patch_size": 4,
    "width": 16,
    "heads": 2,
    "layers": 3,
    "text_layers": 2,
    "tokens": 32,
    "words": REFUSALS,
}
ADAM = recipes.PLAIN | {"epochs": 2, "lr": 1e-2, "batch_size": 8, "optimizer": "adam"}
"""A recipe; three steps an epoch over all training rows."""


class TinyProblem:
    """Task, sets, trainer and models; of each kind two images to train, one to validate, one to test.

    Image i is of kind i % 4: red circle, red square, blue circle, blue square. Row 3i asks its colour, 3i + 1
    its shape, 3i + 2 for a caption. The first twelve images are the official training part; validation takes
    four of these.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        kinds = np.arange(16) % 4
        colours, shapes = np.array(list(COLOURS), dtype=object)[kinds // 2], np.array(SHAPES)[kinds % 2]
        images = Resident.of(
            torch.from_numpy(drawn(colours, shapes)),
            kinds.astype(np.int64),
            train_rows=np.arange(12),
            test_rows=np.arange(12, 16),
            name="tiny",
            classes=[f"{colour} {shape}" for colour in COLOURS for shape in SHAPES],
            augment=Augment(crop_padding=0, flip=False, random_resized=False),
            device=torch.device("cpu"),
            columns={"colour": colours, "shape": shapes.astype(object)},
        )
        self.task = Vlm(questions=QUESTIONS, refusals=REFUSALS, alignment=1.0, batch_size=64)
        self.data = self.task.as_questions(images)
        splits = split(self.data, 1 / 3, seed=0)
        self.sets = divide(splits, Answer(concept=["red"]).select(self.data, splits), self.data)
        self.trainer = self.trainer_in(folder)

    def trainer_in(self, folder: Path, precision: str = "fp32", **changes) -> Trainer:
        folder.mkdir(parents=True, exist_ok=True)
        compute = Compute(device="cpu", precision=precision, channels_last=False, compile=False)
        return Trainer(self.data, self.sets.is_forget(len(self.data)), compute, 0, folder, **changes)

    def model(self, seed: int = 1) -> VisionLanguage:
        torch.manual_seed(seed)
        data = self.data
        return TinyVlm(**TINY).build(data.spec).eval()

    def batch(self, rows: np.ndarray) -> Batch:
        (batch,) = self.trainer.batches(rows)
        return batch

    def asking(self, question: str, rows: np.ndarray) -> np.ndarray:
        """Those of the rows that ask the question of this name."""
        return rows[self.data.columns["asks"][rows] == question]


def drawn(colours: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """(N, 3, 8, 8) uint8: a disc or a square in its colour, on a dark background with a little noise."""
    pixels = np.random.default_rng(0).integers(0, 30, (len(colours), 3, 8, 8), dtype=np.uint8)
    away = np.abs(np.arange(8) - 3.5)
    masks = {"circle": np.hypot(away[:, None], away) < 3, "square": np.maximum(away[:, None], away) < 3}
    for image, colour, shape in zip(pixels, colours, shapes, strict=True):
        image[:, masks[shape]] = np.array(COLOURS[colour], dtype=np.uint8)[:, None]
    return pixels
