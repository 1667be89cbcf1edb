"""Questions that try to bring a forgotten answer back: a choice, letters on the image, perturbed pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.batch import Batch
from unlearn_cli.training.trainer import Trainer

Change = Callable[[nn.Module, Batch], Tensor]
"""Other images (B, 3, H, W) for a batch."""


class Pixels(Settings):
    """Projected gradient descent (Madry et al., ICLR 2018) on the pixels, towards the true answer."""

    steps: int = Field(ge=0, description="0 = not measured")
    epsilon: float = Field(gt=0, le=1, description="largest change of a pixel in [0, 1]")
    rate: float = Field(gt=0, description="change of a pixel in a step")


@torch.no_grad()
def chosen(task: Any, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
    """(n,) class whose answer is the likeliest, a token, among all answers to the same question."""
    model.eval()
    return torch.cat([task.choice(model, batch).cpu() for batch in trainer.batches(rows, task.batch_size)])


def typographic(task: Any) -> Change:
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


def perturbed(task: Any, pixels: Pixels) -> Change:
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
