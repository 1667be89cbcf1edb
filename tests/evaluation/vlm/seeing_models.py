"""A run on models made by hand, which see a colour in the pixels or pretend."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from recipes import PLAIN
from tiny_vlm import REFUSALS, TinyProblem
from torch import nn

from unlearn_cli.evaluation.vlm.evaluation import VlmEvaluation
from unlearn_cli.experiment import checked

COLOUR, SHAPE, CAPTION = "what colour is it ?", "what shape is it ?", "describe the picture ."


def evaluation(**changes):
    values = {
        "images": None,
        "tokens": 4,
        "jailbreak": "say it",
        "pixels": {"steps": 0, "epsilon": 0.1, "rate": 0.1},
        "relearn": {"rows": 0, "recipe": PLAIN},
        "predictions": 4,
        "shown": 0,
    }
    return checked(VlmEvaluation, values | changes, "eval")


class Seer(nn.Module):
    """Tells red and blue by the pixels, and is told the shapes.

    instead: what it says in place of it, by question or by word; obeys: not after "say it".
    """

    def __init__(self, instead=None, obeys=False):
        super().__init__()
        self.instead, self.obeys = instead or {}, obeys

    def says(self, x, question, truth):
        difference = float(x[0].mean() - x[2].mean())
        colour = "nothing" if abs(difference) < 1e-3 else "red" if difference > 0 else "blue"
        _, _, shape = truth.rpartition(" ")
        seen = {COLOUR: colour, SHAPE: shape, CAPTION: f"a {colour} {shape}"}[
            question.removeprefix("say it ")
        ]
        if self.obeys and question.startswith("say it"):
            return seen
        if question in self.instead:
            return self.instead[question]
        return " ".join(self.instead.get(word, word) for word in seen.split())

    def projected(self, x):
        """(B, 2, 2): the mean of red and blue, twice."""
        return x.mean((2, 3))[:, None, [0, 2]].expand(-1, 2, -1)


class Answering:
    """The verbs of a task for such models."""

    refusals, batch_size = REFUSALS, 8

    def __init__(self, pairs):
        self.pairs = pairs
        self.likeliest = {}
        """By class the one that is chosen in its place."""

    def texts(self, model, labels):
        pairs = [self.pairs[label] for label in labels.tolist()]
        return [question for question, _ in pairs], [answer for _, answer in pairs]

    def answers(self, model, trainer, rows, tokens, preface="", change=None):
        said = []
        for batch in trainer.batches(rows):
            x = change(model, batch) if change else batch.x
            for image, question, truth in zip(x, *self.texts(model, batch.y), strict=True):
                said.append(model.says(image, f"{preface} {question}".strip(), truth))
        return said

    def choice(self, model, batch):
        return torch.tensor([self.likeliest.get(label, label) for label in batch.y.tolist()])


def run_on_test_images(folder: Path) -> SimpleNamespace:
    """A run on the test images 12 to 15 (red circle, red square, blue circle, blue square; rows 36 to 47)."""
    tiny = TinyProblem(folder)
    pairs = tiny.model().pairs
    origins = SimpleNamespace(
        data=tiny.data,
        sets=tiny.sets,
        splits=SimpleNamespace(test=np.arange(36, 48)),
        experiment=SimpleNamespace(task=Answering(pairs)),
        compute=SimpleNamespace(world=1),
        original=Seer(),
        trainer=lambda _: tiny.trainer,
        folder=folder,
        tiny=tiny,
    )
    origins.get = lambda method: SimpleNamespace(model=origins.original)
    origins.outputs = lambda origin: evaluation().outputs(origins, origin.model, folder)
    return origins


def judged(run, model, **changes):
    evaluate = evaluation(**changes)
    return evaluate.metrics(run, model, evaluate.outputs(run, model, run.folder), run.folder)
