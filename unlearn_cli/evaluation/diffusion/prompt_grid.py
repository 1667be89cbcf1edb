"""A grid of sample images: some forgotten prompts and some that stay, a row for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.diffusion.prompts import PromptSet, evenly_spread
from unlearn_cli.evaluation.diffusion.sample_images import GRID_IMAGES, channels_last
from unlearn_cli.figures.grids import sample_grid, strip

GRID_PROMPTS = 6  # forgotten and kept prompts in a grid, of each


@dataclass(frozen=True)
class PromptGrid:
    """g prompts, evenly spread: first forgotten ones, then those that stay."""

    places: np.ndarray
    """(g,) places among the prompts that a model is judged by."""
    prompts: list[str]
    forgotten: list[int]
    """Rows of the grid that are forgotten."""

    @classmethod
    def of(cls, prompts: PromptSet) -> PromptGrid:
        """Up to six of either kind."""
        forgotten, kept = (
            evenly_spread(np.flatnonzero(which), GRID_PROMPTS)
            for which in (prompts.is_forgotten, ~prompts.is_forgotten)
        )
        places = np.concatenate([forgotten, kept])
        return cls(places, [prompts.prompts[place] for place in places], list(range(len(forgotten))))

    def draw(self, outputs: dict[str, Outputs], path: Path, about: str = "") -> None:
        """The figure: outputs of each model, by its name."""
        first = next(iter(outputs.values()))["prompts"]
        rows = [torch.nonzero(first == place)[:, 0] for place in self.places]
        labels = np.repeat(np.arange(len(rows)), [len(of_prompt) for of_prompt in rows])
        images = {name: channels_last(out["images"][torch.cat(rows)]) for name, out in outputs.items()}
        sample_grid(images, labels, self.prompts, self.forgotten, path, GRID_IMAGES, "prompts", about)

    def table(self, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """A row for every prompt: images of each model from the same noise."""
        rows = []
        for number, (place, prompt) in enumerate(zip(self.places, self.prompts, strict=True)):
            row: dict[str, Any] = {"prompt": prompt, "forgotten": number in self.forgotten}
            for model, out in outputs.items():
                images = out["images"][out["prompts"] == place]
                row[model] = strip(channels_last(images[:GRID_IMAGES]))
            rows.append(row)
        return rows
