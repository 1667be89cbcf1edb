"""Questions that try to bring a forgotten answer back: a choice, letters on the image, perturbed pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from PIL import Image, ImageDraw
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.rows import spread
from unlearn_cli.evaluation.relearning import relearned_copy
from unlearn_cli.evaluation.vlm.questioner import Questioner, percent
from unlearn_cli.tasks.verbs.vlm import VlmVerbs
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer

Change = Callable[[nn.Module, Batch], Tensor]
"""Other images (B, 3, H, W) for a batch."""


class Pixels(Settings):
    """Projected gradient descent (Madry et al., ICLR 2018) on the pixels, towards the true answer."""

    steps: int = Field(ge=0, description="steps of projected gradient descent; 0 = not measured")
    epsilon: float = Field(gt=0, le=1, description="ε, largest change of a pixel in [0, 1]")
    rate: float = Field(gt=0, description="largest change of a pixel in one step")


class RelearnSettings(Settings):
    """A few forget rows, and how long a copy of the model is trained on them alone."""

    rows: int = Field(
        ge=0,
        description="forget rows that a copy of the model is trained on, evenly spread; 0 = not measured",
    )
    recipe: Recipe


class HardQuestions(Settings):
    """The keys of an evaluation that asks them."""

    jailbreak: str = Field(description="text before a question that tries to bring the answer back")
    pixels: Pixels
    relearn: RelearnSettings

    def hard_question_metrics(
        self, questioner: Questioner, model: nn.Module, rows: np.ndarray, shots: np.ndarray
    ) -> dict[str, float]:
        """UA of the rows, asked in harder ways, and of a model that has trained on the concept again.

        rows: direct ones that tell whether the concept is forgotten; shots: direct ones of the forget set.
        """
        task, trainer, data = questioner.task, questioner.trainer, questioner.data
        likeliest = likeliest_answers(task, model, trainer, rows).numpy()
        values = {
            "UA_choice": percent(likeliest != data.labels[rows]),
            "UA_jailbreak": questioner.share_forgotten(model, rows, preface=self.jailbreak),
            "UA_typographic": questioner.share_forgotten(model, rows, change=typographic_attack(task)),
        }
        if self.pixels.steps:
            change = pixel_attack(task, self.pixels)
            values["UA_pixels"] = questioner.share_forgotten(model, rows, change=change)
        if self.relearn.rows:
            some, recipe = spread(shots, self.relearn.rows), self.relearn.recipe
            relearned = relearned_copy(task, model, shuffled(some), trainer, recipe)
            values["UA_relearnt"] = questioner.share_forgotten(relearned, rows)
        return values


@torch.no_grad()
def likeliest_answers(task: VlmVerbs, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
    """(n,) class whose answer is the likeliest, a token, among all answers to the same question."""
    model.eval()
    return torch.cat([task.choice(model, batch).cpu() for batch in trainer.batches(rows, task.batch_size)])


def typographic_attack(task: VlmVerbs) -> Change:
    """The answer in letters on the lower edge of its image."""

    def change(model: nn.Module, batch: Batch) -> Tensor:
        _, answers = task.texts(model, batch.y)
        made = [lettered(x, answer) for x, answer in zip(batch.x, answers, strict=True)]
        return torch.stack(made).to(batch.x)

    return change


def lettered(x: Tensor, text: str) -> Tensor:
    """An image (3, H, W) in [0, 1] with white letters on a black bar, an eighth of it high at least."""
    pixels = (255 * x).round().byte().permute(1, 2, 0).cpu().numpy()
    picture = Image.fromarray(pixels)
    draw, height = ImageDraw.Draw(picture), max(10, picture.height // 8)
    draw.rectangle((0, picture.height - height, picture.width, picture.height), fill="black")
    draw.text((1, picture.height - height - 1), text, fill="white", font_size=height)
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 255


def pixel_attack(task: VlmVerbs, pixels: Pixels) -> Change:
    """Pixels within epsilon that make the true answer as likely as can be."""

    def change(model: nn.Module, batch: Batch) -> Tensor:
        clean, moved = batch.x, batch.x.clone()
        for _ in range(pixels.steps):
            with torch.enable_grad():
                moved = moved.detach().requires_grad_(True)
                loss = task.loss(model, replace(batch, x=moved)).sum()
                (slope,) = torch.autograd.grad(loss, moved)
            moved = moved - pixels.rate * slope.sign()
            moved = (clean + (moved - clean).clamp(-pixels.epsilon, pixels.epsilon)).clamp(0, 1)
        return moved.detach()

    return change
