"""What the evaluations of generators share: images as files, and grids drawn while a model unlearns."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from unlearn_cli.evaluation.base import Watch
from unlearn_cli.evaluation.diffusion.base import task_of
from unlearn_cli.figures.grids import sample_grid
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.storage.files import replacing, write_json
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

NAMES, LONGEST = "names.json", 60
GRID_IMAGES = 4  # images of each class in a grid


def channels_last(images: Tensor) -> np.ndarray:
    """(n, c, H, W) as (n, H, W, c)."""
    return images.permute(0, 2, 3, 1).numpy()


def save_images(images: Tensor, labels: Tensor, names: Sequence[str], folder: Path) -> None:
    """uint8 (n, c, H, W) as PNG, in a folder for each label; `NAMES` has the names that are no folder's."""
    folders = folder_names(names)
    if folders != list(names):
        write_json(folder / NAMES, dict(zip(folders, names, strict=True)))
    for number, (image, label) in enumerate(zip(channels_last(images), labels.tolist(), strict=True)):
        path = folder / folders[label] / f"{number:05}.png"
        with replacing(path) as temporary:
            Image.fromarray(image.squeeze()).save(temporary, format="png")


def folder_names(names: Sequence[str]) -> list[str]:
    """A folder's name for each: its words, `LONGEST` characters at most; no two are alike."""
    found: dict[str, str] = {}
    for number, name in enumerate(names):
        words = " ".join(re.sub(r"[^\w.-]", " ", name).split()).strip(" .")[:LONGEST].strip(" .")
        while not words or words.casefold() in found:
            words = f"{words} {number}".strip()
        found[words.casefold()] = words
    return list(found.values())


@dataclass(frozen=True)
class Grid:
    """What is drawn while a model unlearns: a row of images for each condition."""

    conditions: Tensor
    """(k,) a class or prompt for each row."""
    names: Sequence[str]
    forgotten: Collection[int]
    """Rows by their place."""
    kinds: str
    """What the rows are: classes or prompts."""
    about: str
    """What the figure says of the run."""


def grid_watcher(
    origins: Origins, grid: Grid, sampler: Sampler, every: int, folder: Path, tracker: Tracker
) -> Watch:
    """A sample grid every few epochs, from the same noise each time: one watches the forgotten fade."""
    task = task_of(origins)
    trainer = origins.trainer(folder)
    labels = torch.arange(len(grid.conditions)).repeat(GRID_IMAGES)

    def draw(model: nn.Module, epoch: int) -> None:
        if not every or epoch % every:
            return
        drawn = task.preview(model, grid.conditions.repeat(GRID_IMAGES), sampler, trainer)
        if origins.compute.is_main:
            path = folder / "figures" / "unlearning" / f"epoch-{epoch:04}.png"
            images, rows = {f"epoch {epoch}": channels_last(drawn)}, (grid.names, grid.forgotten)
            sample_grid(images, labels.numpy(), *rows, path, GRID_IMAGES, grid.kinds, grid.about)
            tracker.picture("unlearn", epoch, "samples", path)

    return draw
