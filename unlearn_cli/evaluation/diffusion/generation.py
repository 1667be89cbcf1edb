"""How a class-conditional generator is judged: by a classifier that looks at what it draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.base import Outputs, Watch
from unlearn_cli.evaluation.diffusion.base import GeneratorEvaluation, task_of
from unlearn_cli.evaluation.diffusion.fidelity import NEIGHBOURS, distances, precision_recall
from unlearn_cli.evaluation.diffusion.inception import InceptionSettings
from unlearn_cli.evaluation.diffusion.relearning import Relearning
from unlearn_cli.evaluation.diffusion.sample_images import (
    GRID_IMAGES,
    Grid,
    channels_last,
    grid_watcher,
    save_images,
)
from unlearn_cli.evaluation.features import confidence, entropy
from unlearn_cli.evaluation.judge import Judge, as_floats, judge_outputs
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.figures.grids import confusion_matrix, sample_grid, strip
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class GenerationEvaluation(InceptionSettings, GeneratorEvaluation):
    """UA and RA by a judge, distances to the real images of the retained classes, a relearning probe.

    Outputs are {"images": (n, c, H, W) uint8, "labels": (n,), "logits": (n, C), "features": (n, F)}, the
    last two being what the judge sees; the same classes and the same noise for every model.
    """

    tasks: ClassVar[tuple[str, ...]] = ("generation",)

    judge: Judge
    samples_per_class: int = Field(gt=1, description="images drawn of every class, the forgotten ones too")
    reference: Literal["train", "test"] = Field(
        description="real images of the retained classes that the distances refer to"
    )
    relearning: Relearning

    @property
    def has_judge(self) -> bool:
        return True

    def judge_made(self, origins: Origins) -> bool:
        return self.judge.made(origins)

    def make_judge(self, origins: Origins) -> None:
        self.judge.reference(origins)

    def check(self, origins: Origins, model: Denoiser) -> None:
        self._check_classes(len(origins.data.classes), len(origins.sets.classes))
        self.sampler.check(model, "eval.sampler")
        self.judge.check(origins)
        self.check_inception()

    def _check_classes(self, classes: int, forgotten: int) -> None:
        if not forgotten:
            raise InputError(
                "forget: generation is judged by whole classes, and none is wholly forgotten here; "
                "use forget=class forget.classes=[…] with forget.fraction=null"
            )
        retained = classes - forgotten
        if (images := retained * self.samples_per_class) <= NEIGHBOURS:
            raise InputError(
                f"eval.samples_per_class: {images} images of the retained classes are too few for precision "
                f"and recall; give at least {NEIGHBOURS // retained + 1}"
            )

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """How images are drawn, and the weights of the judge."""
        facts = self.model_dump(mode="json", include={"sampler", "samples_per_class"})
        return facts | {"judge": self.judge.key(origins)}

    def outputs(self, origins: Origins, model: nn.Module, folder: Path) -> Outputs:
        """Images of every class in turn, and what the judge sees in them."""
        judge, _ = self.judge.get(origins)
        labels = torch.arange(len(origins.data.classes)).repeat(self.samples_per_class)
        images = task_of(origins).draw(model, labels, self.sampler, origins.trainer(folder))
        return {
            "images": images,
            "labels": labels,
            **judge_outputs(judge, as_floats(images, origins.compute.device)),
        }

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        judge, _ = self.judge.get(origins)
        values = self._judged_metrics(origins, outputs)
        values["judge_TA"] = self._judge_accuracy(origins)
        values |= self._distances(origins, outputs)
        if self.relearning.samples:
            values["relearn_steps"] = self.relearning.steps(
                origins, model, judge, self.sampler, values["UA"], folder
            )
        return values

    def _judged_metrics(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """UA and RA, and how sure the judge is of the forgotten classes."""
        logits, labels = outputs["logits"], outputs["labels"]
        forgotten = self.forgotten(origins, labels)
        right = logits.argmax(1) == labels
        forgotten_logits, forgotten_labels = logits[forgotten], labels[forgotten].numpy()
        return {
            "UA": 100 * float((~right[forgotten]).float().mean()),
            "RA": 100 * float(right[~forgotten].float().mean()),
            "confidence_forget": 100 * float(confidence(forgotten_logits, forgotten_labels).mean()),
            "entropy_forget": float(entropy(forgotten_logits, forgotten_labels).mean()),
        }

    def _judge_accuracy(self, origins: Origins) -> float:
        """Of the judge, on real test images, in percent."""
        rows = origins.all_rows
        judged = self.judge.reference(origins)["logits"].argmax(1)
        right = judged == torch.from_numpy(origins.data.labels[rows])
        return 100 * float(right[np.isin(rows, origins.splits.test)].float().mean())

    def _distances(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """From the real images of the retained classes to those drawn of them."""
        kept, seed = ~self.forgotten(origins, outputs["labels"]), self.sampler.seed
        rows = origins.sets.retain if self.reference == "train" else origins.sets.test
        real = self.judge.reference(origins)["features"][np.isin(origins.all_rows, rows)]
        drawn, images = outputs["features"][kept], outputs["images"][kept]
        return (
            distances(real, drawn, seed)
            | precision_recall(real, drawn)
            | self.inception_metrics(origins.data, rows, images, seed, origins.compute.device)
        )

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share in percent of each class' images that the judge takes for it."""
        right = (outputs["logits"].argmax(1) == outputs["labels"]).float()
        return {
            name: 100 * float(right[outputs["labels"] == number].mean())
            for number, name in enumerate(origins.data.classes)
        }

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """What the judge sees in images from equal noise."""
        forgotten = self.forgotten(origins, outputs["labels"]).numpy()
        parts = {"forget": np.flatnonzero(forgotten), "retain": np.flatnonzero(~forgotten)}
        return agreement(outputs["logits"], oracle["logits"], parts)

    def watch(self, origins: Origins, folder: Path, tracker: Tracker) -> Watch:
        names, forgotten = origins.data.classes, origins.sets.classes
        grid = Grid(torch.arange(len(names)), names, forgotten, "classes", self.about(origins))
        return grid_watcher(origins, grid, self.sampler, self.grid_every, folder, tracker)

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """The images as PNG, a folder for each class, if asked for."""
        if not self.save_samples:
            return
        save_images(outputs["images"], outputs["labels"], origins.data.classes, folder / "samples")

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        classes, forgotten = origins.data.classes, origins.sets.classes
        method = origins.experiment.choices["method"]
        labels = outputs[method]["labels"].numpy()
        images = {name: channels_last(out["images"]) for name, out in outputs.items()}
        judged = outputs[method]["logits"].argmax(1).numpy()
        files = [folder / f"{name}.png" for name in ("training_curves", "samples", "confusion")]
        about = self.about(origins)
        training_curves(history, files[0], about)
        sample_grid(images, labels, classes, forgotten, files[1], GRID_IMAGES, about=about)
        confusion_matrix(judged, labels, classes, forgotten, files[2], about)
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """A row for every class: images of each model from the same noise."""
        rows = []
        recognised = {model: self.per_class(origins, out) for model, out in outputs.items()}
        for number, name in enumerate(origins.data.classes):
            row: dict[str, Any] = {"class": name, "forgotten": number in origins.sets.classes}
            for model, out in outputs.items():
                row[model] = strip(channels_last(out["images"][out["labels"] == number][:GRID_IMAGES]))
                row[f"{model} (%)"] = recognised[model][name]
            rows.append(row)
        return rows

    def forgotten(self, origins: Origins, labels: Tensor) -> Tensor:
        """Which of the labels (n,) are forgotten classes, bool (n,)."""
        return torch.isin(labels, torch.tensor(origins.sets.classes))
