"""How a text-to-image model is judged: UnlearnCanvas, inside and outside the prompts unlearned; attacks."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.attacks.settings import AttackSettings
from unlearn_cli.evaluation.base import Outputs, Watch
from unlearn_cli.evaluation.diffusion.base import GeneratorEvaluation, task_of
from unlearn_cli.evaluation.diffusion.image_metrics import ImageMetrics
from unlearn_cli.evaluation.diffusion.judged_columns import JudgedColumns
from unlearn_cli.evaluation.diffusion.prompt_grid import PromptGrid
from unlearn_cli.evaluation.diffusion.prompts import PromptSet, unlearn_canvas
from unlearn_cli.evaluation.diffusion.sample_images import Grid, grid_watcher, save_images
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.figures.grids import confusion_matrix
from unlearn_cli.models.diffusion.sampling import GUIDANCE, SEED, OwnDraws
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

ELSE = "something else"  # what a judge saw that knows more than a column's values


class TextToImageEvaluation(JudgedColumns, ImageMetrics, AttackSettings, GeneratorEvaluation):
    """UA, IRA and CRA by a judge for each judged column, for prompts inside and outside the unlearning set.

    Outputs are {"images": (n·k, c, H, W) uint8, "prompts": (n·k,) places among the k prompts, "<column>":
    (n·k, C) the judge's logits (C + 1 if it knows more than the column's C values), "features": (n·k, F) of
    the first judge}; equal prompts and noise for every model.
    """

    tasks: ClassVar[tuple[str, ...]] = ("text_to_image",)

    images: int = Field(gt=0, description="images drawn for each prompt")

    @model_validator(mode="after")
    def _attacks_have_a_judge(self) -> TextToImageEvaluation:
        if self.attacked and not self.has_judge:
            raise InputError(
                "eval.attacked: an attack succeeds if a judge sees the concept, and there is none; "
                "set eval.judge or eval.judges, or eval.attacked=[]"
            )
        return self

    def tested_rows(self, origins: Origins) -> int:
        """What is drawn is judged, by prompts."""
        return 0

    def check(self, origins: Origins, model: TextToImage) -> None:
        self.sampler.check(model, "eval.sampler")
        self.check_judges(origins)
        prompts = self.prompt_set(origins)
        forgotten, others = (
            prompts.part(np.flatnonzero(which)).prompts
            for which in (prompts.is_forgotten, ~prompts.is_forgotten)
        )
        model.shared.check_told_apart(forgotten, others)
        self.check_attacks(model, origins.sets)
        self.check_networks()

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """How images are drawn, and the weights of the judges."""
        drawing = self.model_dump(mode="json", include={"sampler", "images"})
        return drawing | {"judges": self.judge_keys(origins)}

    def outputs(self, origins: Origins, model: TextToImage, folder: Path) -> Outputs:
        """Images of every prompt in turn, and what the judges see in them."""
        prompts = self.prompt_set(origins).prompts
        places = torch.arange(len(prompts)).repeat(self.images)
        numbers = model.number(prompts)[places]
        own = OwnDraws.of(own_columns(origins.data), places)
        images = task_of(origins).draw(model, numbers, self.sampler, origins.trainer(folder), own=own)
        return {"images": images, "prompts": places, **self.judge_images(origins, images)}

    def metrics(
        self, origins: Origins, model: TextToImage, outputs: Outputs, folder: Path
    ) -> dict[str, float]:
        prompts = self.prompt_set(origins)
        judge_images = partial(self.judge_images, origins)
        return (
            self._judged_metrics(origins, prompts, outputs)
            | self.image_metrics(origins, prompts, outputs, self.sampler.seed)
            | self.attack_success_rates(origins, model, prompts, self.sampler, judge_images, folder)
        )

    def _judged_metrics(self, origins: Origins, prompts: PromptSet, outputs: Outputs) -> dict[str, float]:
        """UA, IRA and CRA inside and outside, and distances of the kept prompts' images to real ones."""
        if not self.has_judge:
            return {}
        judged = prompts.judged_values(outputs)
        outside = unlearn_canvas(prompts, judged, ~prompts.inside)
        kept = outputs["features"][torch.from_numpy(~prompts.is_forgotten)[outputs["prompts"]]]
        return (
            unlearn_canvas(prompts, judged, prompts.inside)
            | {f"{name}_outside": value for name, value in outside.items()}
            | self.feature_distances(origins, kept, self.sampler.seed)
        )

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share in percent of the images asked to show a value that show it, for every value of each axis."""
        prompts = self.prompt_set(origins)
        judged = prompts.judged_values(outputs)
        return {
            f"{axis.column}: {value}": 100
            * float((judged[axis.column][:, axis.requested == number] == number).mean())
            for axis in prompts.axes
            for number, value in enumerate(axis.values)
        }

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """What the judge of the concept's axis sees in images from equal noise."""
        if not self.has_judge:
            return {}
        prompts = self.prompt_set(origins)
        column, forgotten = prompts.domain[0].column, prompts.is_forgotten[outputs["prompts"].numpy()]
        parts = {"forget": np.flatnonzero(forgotten), "retain": np.flatnonzero(~forgotten)}
        return agreement(outputs[column], oracle[column], parts)

    def watch(self, origins: Origins, folder: Path, tracker: Tracker) -> Watch:
        prompts, about = PromptGrid.of(self.prompt_set(origins)), self.about(origins)

        def draw(model: nn.Module, epoch: int) -> None:
            assert isinstance(model, TextToImage)
            numbers = model.number(prompts.prompts)
            grid = Grid(numbers, prompts.prompts, prompts.forgotten, "prompts", about)
            grid_watcher(origins, grid, self.sampler, self.grid_every, folder, tracker)(model, epoch)

        return draw

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """The images as PNG, a folder for each prompt, if asked for."""
        if self.save_samples:
            prompts = self.prompt_set(origins).prompts
            save_images(outputs["images"], outputs["prompts"], prompts, folder / "samples")

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        prompts, about = self.prompt_set(origins), self.about(origins)
        files = [folder / "training_curves.png", folder / "samples.png"]
        training_curves(history, files[0], about)
        PromptGrid.of(prompts).draw(outputs, files[1], about)
        if self.has_judge:
            own = outputs[origins.experiment.choices["method"]]
            files += confusion_matrices(prompts, own, folder, about)
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """A row for every prompt of the grid: images of each model from the same noise."""
        return PromptGrid.of(self.prompt_set(origins)).table(outputs)

    def prompt_set(self, origins: Origins) -> PromptSet:
        """The prompts that the model is judged by, and what they ask for of the judged columns."""
        return PromptSet.of(origins, list(self.column_judges))


def own_columns(data: ImageData) -> dict[str, list[str]]:
    """Seed and guidance that prompts of a file bring along, by column a value for each prompt."""
    _, rows = np.unique(data.columns["caption"].astype(str), return_index=True)  # in the order of the prompts
    return {name: data.columns[name][rows].tolist() for name in (SEED, GUIDANCE) if name in data.columns}


def confusion_matrices(prompts: PromptSet, outputs: Outputs, folder: Path, about: str) -> list[Path]:
    """The figures of the concepts' axes: which value is asked for, and which one its judge sees."""
    files = []
    for axis in prompts.domain:
        files.append(folder / f"confusion_{axis.column}.png")
        logits, requested = outputs[axis.column], axis.requested[outputs["prompts"].numpy()]
        judged, asks = logits.argmax(1).numpy(), requested >= 0
        names = [*axis.values, ELSE][: logits.shape[1]]
        confusion_matrix(judged[asks], requested[asks], names, axis.forgotten, files[-1], about)
    return files
