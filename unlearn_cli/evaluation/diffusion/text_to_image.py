"""How a text-to-image model is judged: UnlearnCanvas, inside and outside the prompts unlearned; attacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from unlearn_cli.config.settings import build
from unlearn_cli.data.names import unknown
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.attacks.base import Attack, success_rates
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.evaluation.base import Evaluation, Outputs, Watch
from unlearn_cli.evaluation.diffusion.clip_score import ClipScore
from unlearn_cli.evaluation.diffusion.drawn import SHOWN, channels_last, save_images, watching
from unlearn_cli.evaluation.diffusion.fidelity import NEIGHBOURS, distances, inception, inception_distances
from unlearn_cli.evaluation.diffusion.lpips import lpips_metrics, network
from unlearn_cli.evaluation.diffusion.nudenet import NudeNet
from unlearn_cli.evaluation.diffusion.prompts import Asked, unlearn_canvas
from unlearn_cli.evaluation.diffusion.ready_judge import ReadyJudge
from unlearn_cli.evaluation.judge import Judge, Judging, as_floats, seen
from unlearn_cli.figures.grids import confusion_matrix, sample_grid, strip
from unlearn_cli.figures.plots import training_curves
from unlearn_cli.methods.original import Original
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

GRID = 6  # forgotten and kept prompts in a grid, of each
ELSE = "something else"  # what a judge saw that knows more than a column's values


class TextToImageEvaluation(Evaluation):
    """UA, IRA and CRA by a judge for each judged column, for prompts inside and outside the unlearning set.

    Outputs are {"images": (n·k, c, H, W) uint8, "prompts": (n·k,) places among the k prompts, "<column>":
    (n·k, C) the judge's logits (C + 1 if it knows more than the column's C values), "features": (n·k, F) of
    the first judge}; equal prompts and noise for every model.
    """

    tasks: ClassVar[tuple[str, ...]] = ("text_to_image",)
    moves_nothing: ClassVar[tuple[str, ...]] = ("grid_every", "save_samples")

    judge: Judge | None = Field(description="a classifier trained for each judged column; null = none")
    columns: list[str] = Field(description="columns of the data that it judges")
    judges: dict[str, ReadyJudge] = Field(description="by column: a classifier's folder or hub name")
    clip: ClipScore | None = Field(description="CLIP score, accuracy and error; null = none")
    lpips: bool = Field(description="LPIPS to the original's images from the same noise")
    inception: bool | Path = Field(
        description="FID and KID of the kept prompts; true = torch-fidelity's Inception-v3, or a path of it"
    )
    nudenet: NudeNet | None = Field(description="exposed parts of the body; null = they are not looked for")
    sampler: Sampler
    images: int = Field(gt=0, description="drawn for each prompt")
    attacks: dict[str, Any] = Field(description="the options of the group `attack`, by name")
    attacked: list[str] = Field(description="names of the attacks that are made; none: []")
    attacked_prompts: int = Field(gt=0, description="forgotten ones inside, evenly spread")
    grid_every: int = Field(ge=0, description="epochs of unlearning between two sample grids; 0 = none")
    save_samples: bool = Field(description="keep the unlearned model's images in the run folder, as PNG")

    @field_validator("attacks", mode="before")
    @classmethod
    def _build(cls, nodes: dict[str, Any]) -> dict[str, Attack]:
        return {name: build(node, f"eval.attacks.{name}") for name, node in nodes.items()}

    @field_validator("judges", mode="before")
    @classmethod
    def _by_path(cls, nodes: dict[str, Any]) -> dict[str, Any]:
        return {column: {"path": node} if isinstance(node, str) else node for column, node in nodes.items()}

    @model_validator(mode="after")
    def _attacks_are_known(self) -> TextToImageEvaluation:
        if wrong := [name for name in self.attacked if name not in self.attacks]:
            raise unknown("eval.attacked", "attack", wrong[0], list(self.attacks))
        if self.attacked and not self.has_judge:
            raise InputError(
                "eval.attacked: an attack succeeds if a judge sees the concept, and there is none; "
                "set eval.judge or eval.judges, or eval.attacked=[]"
            )
        return self

    @property
    def has_judge(self) -> bool:  # type: ignore[override]
        return bool(self._judges())

    def judge_made(self, origins: Origins) -> bool:
        return all(judge.made(origins.seen_as(column)) for column, judge in self._judges())

    def make_judge(self, origins: Origins) -> None:
        for column, judge in self._judges():
            judge.reference(origins.seen_as(column))

    def _judges(self) -> list[tuple[str, Judging]]:
        """By column, the trained ones first."""
        trained = dict.fromkeys(self.columns, self.judge) if self.judge else {}
        return [*(trained | self.judges).items()]

    def check(self, origins: Origins, model: Any) -> None:
        self.sampler.check(model, "eval.sampler")
        for column, judge in self._judges():
            if column not in origins.data.columns:
                raise InputError(
                    f"eval.columns, eval.judges: {origins.data.name} has no column '{column}'; "
                    f"there is {', '.join(origins.data.columns)}"
                )
            if judge is self.judge and "" in origins.data.columns[column]:
                raise InputError(
                    f"eval.columns: some prompts of {origins.data.name} ask for no '{column}', and a judge "
                    f"would learn that as a value; give a ready one by eval.judges"
                )
            judge.check(origins.seen_as(column))
        for name in self.attacked:
            self.attacks[name].check(model, origins.sets)
        if self.clip:
            self.clip.check()
        if self.lpips:
            network()
        if self.inception is not False:
            inception(self._inception_weights)
        if self.nudenet:
            self.nudenet.check()

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """How images are drawn, and the weights of the judges."""
        judges = {column: judge.get(origins.seen_as(column))[1] for column, judge in self._judges()}
        return self.model_dump(mode="json", include={"sampler", "images"}) | {"judges": judges}

    def metric_facts(self) -> dict[str, Any]:
        """The weights of CLIP, the version of NudeNet."""
        facts = {"clip": self.clip.identity()} if self.clip else {}
        return facts | ({"nudenet": self.nudenet.version()} if self.nudenet else {})

    def outputs(self, origins: Origins, model: Any, folder: Path) -> Outputs:
        """Images of every prompt in turn, and what the judges see in them."""
        asked = self._asked(origins)
        places = torch.arange(len(asked.prompts)).repeat(self.images)
        numbers = model.number(asked.prompts)[places]
        task: Any = origins.experiment.task
        images = task.draw(model, numbers, self.sampler, origins.trainer(folder))
        return {"images": images, "prompts": places, **self._seen(origins, images)}

    def _seen(self, origins: Origins, images: Tensor) -> Outputs:
        found: Outputs = {}
        for column, judge in self._judges():
            network, _ = judge.get(origins.seen_as(column))
            sight = seen(network, as_floats(images, origins.compute.device))
            found[column] = sight["logits"]
            found.setdefault("features", sight["features"])
        return found

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        asked = self._asked(origins)
        values: dict[str, float] = {}
        if self.has_judge:
            judged = self._judged(asked, outputs)
            values |= unlearn_canvas(asked, judged, asked.inside)
            outside = unlearn_canvas(asked, judged, ~asked.inside)
            values |= {f"{name}_outside": value for name, value in outside.items()}
            values |= self._distances(origins, asked, outputs)
        values |= self._of_images(origins, asked, outputs)
        if self.attacked and (asked.gone & asked.inside).any():
            attacks = {name: self.attacks[name] for name in self.attacked}
            values |= success_rates(attacks, self._target(origins, asked, model, folder))
        return values

    def _of_images(self, origins: Origins, asked: Asked, outputs: Outputs) -> dict[str, float]:
        """What was asked for of the metrics that need no judge of the data's columns."""
        images, places, device = outputs["images"], outputs["prompts"], origins.compute.device
        gone = asked.gone[places.numpy()]
        values: dict[str, float] = {}
        if self.clip:
            anchored = asked.anchored(origins.sets.concepts)
            values |= self.clip.metrics(images, places, asked.prompts, anchored, asked.gone, device)
        if self.lpips:
            originals = origins.outputs(origins.get(Original()))["images"]
            values |= lpips_metrics(images, originals, gone, device)
        if self.inception is not False and not gone.all():
            rows = [torch.from_numpy(origins.data.image(row)) for row in origins.sets.retain]
            real, drawn = torch.stack(rows).permute(0, 3, 1, 2), images[torch.from_numpy(~gone)]
            values |= inception_distances(real, drawn, self.sampler.seed, self._inception_weights, device)
        if self.nudenet:
            values |= self.nudenet.metrics(images)
        return values

    @property
    def _inception_weights(self) -> Path | None:
        return self.inception if isinstance(self.inception, Path) else None

    def _target(self, origins: Origins, asked: Asked, model: nn.Module, folder: Path) -> Target:
        """Prompts of the unlearning set that ask for what was to be forgotten, for attacks."""
        gone, sets = np.flatnonzero(asked.gone & asked.inside), origins.sets
        places = gone[np.linspace(0, len(gone) - 1, min(self.attacked_prompts, len(gone))).astype(int)]

        def shows(images: Tensor, places: np.ndarray) -> Tensor:
            found = self._seen(origins, images)
            part = asked.part(places)
            judged = {axis.column: found[axis.column].argmax(1).numpy()[None] for axis in part.axes}
            return torch.from_numpy(part.shown(judged)[0])

        return Target.of(
            origins.experiment.task,
            model,
            origins.get(Original()).model,
            origins.trainer(folder),
            self.sampler,
            shows,
            asked.part(places).prompts,
            places,
            rows=sets.forget,
            concepts=sets.concepts,
            naming=tuple(asked.part(gone).prompts),
            seed=origins.experiment.seed,
        )

    def _judged(self, asked: Asked, outputs: Outputs) -> dict[str, np.ndarray]:
        """By column (n, k): the value seen in each image of each prompt."""
        shape = (self.images, len(asked.prompts))
        return {axis.column: outputs[axis.column].argmax(1).numpy().reshape(shape) for axis in asked.axes}

    def _distances(self, origins: Origins, asked: Asked, outputs: Outputs) -> dict[str, float]:
        """To the real images of the retained rows, of the images of the prompts that stay."""
        column, judge = self._judges()[0]
        real = judge.reference(origins.seen_as(column))["features"]
        kept = real[np.isin(origins.all_rows, origins.sets.retain)]
        drawn = outputs["features"][torch.from_numpy(~asked.gone)[outputs["prompts"]]]
        if min(len(kept), len(drawn)) <= NEIGHBOURS:
            return {}
        return distances(kept, drawn, self.sampler.seed)

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share in percent of the images asked to show a value that show it, for every value of each axis."""
        if not self.has_judge:
            return {}
        asked = self._asked(origins)
        judged = self._judged(asked, outputs)
        return {
            f"{axis.column}: {value}": 100
            * float((judged[axis.column][:, axis.asked == number] == number).mean())
            for axis in asked.axes
            for number, value in enumerate(axis.values)
        }

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """What the judge of the concept's axis sees in images from equal noise."""
        if not self.has_judge:
            return {}
        asked = self._asked(origins)
        column, gone = asked.domain[0].column, asked.gone[outputs["prompts"].numpy()]
        parts = {"forget": np.flatnonzero(gone), "retain": np.flatnonzero(~gone)}
        return agreement(outputs[column], oracle[column], parts)

    def watch(self, origins: Origins, folder: Path, tracker: Tracker) -> Watch:
        asked = self._asked(origins)
        places, forgotten = self._shown(asked)
        names = [asked.prompts[place] for place in places]

        def draw(model: Any, epoch: int) -> None:
            numbers = model.number(names)
            every = self.grid_every
            watching(origins, numbers, names, forgotten, self.sampler, every, folder, tracker)(model, epoch)

        return draw

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """The images as PNG, a folder for each prompt, if asked for."""
        if self.save_samples:
            prompts = self._asked(origins).prompts
            save_images(outputs["images"], outputs["prompts"], prompts, folder / "samples")

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        asked = self._asked(origins)
        places, forgotten = self._shown(asked)
        names = [asked.prompts[place] for place in places]
        files = [folder / "training_curves.png", folder / "samples.png"]
        training_curves(history, files[0])
        rows, labels = self._rows(outputs[next(iter(outputs))], places)
        images = {name: channels_last(out["images"][rows]) for name, out in outputs.items()}
        sample_grid(images, labels, names, forgotten, files[1], SHOWN)
        method = origins.experiment.choices["method"]
        for axis in asked.domain if self.has_judge else []:
            path = folder / f"confusion_{axis.column}.png"
            logits = outputs[method][axis.column]
            requested = axis.asked[outputs[method]["prompts"].numpy()]
            judged, asking = logits.argmax(1).numpy(), requested >= 0
            names = [*axis.values, ELSE][: logits.shape[1]]
            confusion_matrix(judged[asking], requested[asking], names, axis.forgotten, path)
            files.append(path)
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """A row for every prompt of the grid: images of each model from the same noise."""
        asked = self._asked(origins)
        table = []
        for place in self._shown(asked)[0]:
            row: dict[str, Any] = {"prompt": asked.prompts[place], "forgotten": bool(asked.gone[place])}
            for model, out in outputs.items():
                row[model] = strip(channels_last(out["images"][out["prompts"] == place][:SHOWN]))
            table.append(row)
        return table

    def _shown(self, asked: Asked) -> tuple[np.ndarray, list[int]]:
        """Places of the prompts in a grid, evenly spread, and which of the grid's rows are forgotten."""
        gone, kept = np.flatnonzero(asked.gone), np.flatnonzero(~asked.gone)
        some = [
            part[np.linspace(0, len(part) - 1, min(GRID, len(part))).astype(int)] for part in (gone, kept)
        ]
        return np.concatenate(some), list(range(len(some[0])))

    def _rows(self, outputs: Outputs, places: np.ndarray) -> tuple[Tensor, np.ndarray]:
        """Rows of the outputs that belong to the prompts at `places`, and each row's place among those."""
        found = [torch.nonzero(outputs["prompts"] == place)[:, 0] for place in places]
        labels = [np.full(len(rows), number) for number, rows in enumerate(found)]
        return torch.cat(found), np.concatenate(labels)

    def _asked(self, origins: Origins) -> Asked:
        return Asked.of(origins, [column for column, _ in self._judges()])
