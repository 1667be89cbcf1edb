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
from unlearn_cli.evaluation.base import Evaluation, Outputs, Watch
from unlearn_cli.evaluation.diffusion.drawn import SHOWN, channels_last, save_images, watching
from unlearn_cli.evaluation.diffusion.fidelity import (
    NEIGHBOURS,
    distances,
    inception,
    inception_distances,
    precision_recall,
)
from unlearn_cli.evaluation.diffusion.relearning import Relearning
from unlearn_cli.evaluation.features import confidence, entropy
from unlearn_cli.evaluation.judge import Judge, as_floats, seen
from unlearn_cli.figures.grids import confusion_matrix, sample_grid, strip
from unlearn_cli.figures.plots import training_curves
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class GenerationEvaluation(Evaluation):
    """UA and RA by a judge, distances to the real images of the retained classes, a relearning probe.

    Outputs are {"images": (n, c, H, W) uint8, "labels": (n,), "logits": (n, C), "features": (n, F)}, the
    last two being what the judge sees; the same classes and the same noise for every model.
    """

    tasks: ClassVar[tuple[str, ...]] = ("generation",)
    moves_nothing: ClassVar[tuple[str, ...]] = ("grid_every", "save_samples")

    has_judge: ClassVar[bool] = True

    judge: Judge
    sampler: Sampler
    samples_per_class: int = Field(gt=1, description="images drawn of every class, the forgotten ones too")
    reference: Literal["train", "test"] = Field(
        description="real images of the retained classes that the distances refer to"
    )
    inception: bool | Path = Field(
        description="FID and KID too: true = torch-fidelity's Inception-v3, from its cache or the network; "
        "a path = its weights in a file"
    )
    relearning: Relearning
    grid_every: int = Field(ge=0, description="epochs of unlearning between two sample grids; 0 = none")
    save_samples: bool = Field(description="keep the unlearned model's images in the run folder, as PNG")

    def judge_made(self, origins: Origins) -> bool:
        return self.judge.made(origins)

    def make_judge(self, origins: Origins) -> None:
        self.judge.reference(origins)

    def check(self, origins: Origins, model: Any) -> None:
        if not origins.sets.classes:
            raise InputError(
                "forget: generation is judged by whole classes, and none is wholly forgotten here; "
                "use forget=class forget.classes=[…] with forget.fraction=null"
            )
        self.sampler.check(model, "eval.sampler")
        retained = len(origins.data.classes) - len(origins.sets.classes)
        if (images := retained * self.samples_per_class) <= NEIGHBOURS:
            raise InputError(
                f"eval.samples_per_class: {images} images of the retained classes are too few for precision "
                f"and recall; give at least {NEIGHBOURS // retained + 1}"
            )
        self.judge.check(origins)
        if self.inception is not False:
            inception(self.inception_weights)

    @property
    def inception_weights(self) -> Path | None:
        """The file that was given, if one was."""
        return self.inception if isinstance(self.inception, Path) else None

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """How images are drawn, and the weights of the judge."""
        _, judge = self.judge.get(origins)
        return self.model_dump(mode="json", include={"sampler", "samples_per_class"}) | {"judge": judge}

    def outputs(self, origins: Origins, model: nn.Module, folder: Path) -> Outputs:
        """Images of every class in turn, and what the judge sees in them."""
        judge, _ = self.judge.get(origins)
        labels = torch.arange(len(origins.data.classes)).repeat(self.samples_per_class)
        task: Any = origins.experiment.task
        images = task.draw(model, labels, self.sampler, origins.trainer(folder))
        return {"images": images, "labels": labels, **seen(judge, as_floats(images, origins.compute.device))}

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        logits, labels = outputs["logits"], outputs["labels"]
        gone = self.forgotten(origins, labels)
        right = logits.argmax(1) == labels
        ua = 100 * float((~right[gone]).float().mean())
        values = {
            "UA": ua,
            "RA": 100 * float(right[~gone].float().mean()),
            "confidence_forget": 100 * float(confidence(logits[gone], labels[gone].numpy()).mean()),
            "entropy_forget": float(entropy(logits[gone], labels[gone].numpy()).mean()),
        }
        real, rows = self.judge.reference(origins), origins.all_rows
        of_test = np.isin(rows, origins.data.test_rows)
        actual = torch.from_numpy(origins.data.labels[rows])
        values["judge_TA"] = 100 * float((real["logits"].argmax(1) == actual)[of_test].float().mean())

        sets, seed = origins.sets, self.sampler.seed
        chosen = sets.retain if self.reference == "train" else sets.test
        features, drawn = real["features"][np.isin(rows, chosen)], outputs["features"][~gone]
        values |= distances(features, drawn, seed) | precision_recall(features, drawn)
        if self.inception is not False:
            images = torch.stack([torch.from_numpy(origins.data.image(row)) for row in chosen])
            real_images, device = images.permute(0, 3, 1, 2), origins.compute.device
            drawn_images, weights = outputs["images"][~gone], self.inception_weights
            values |= inception_distances(real_images, drawn_images, seed, weights, device)
        judge, _ = self.judge.get(origins)
        values["relearn_steps"] = self.relearning.steps(origins, model, judge, self.sampler, ua, folder)
        return values

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Share in percent of each class' images that the judge takes for it."""
        right = (outputs["logits"].argmax(1) == outputs["labels"]).float()
        return {
            name: 100 * float(right[outputs["labels"] == number].mean())
            for number, name in enumerate(origins.data.classes)
        }

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """What the judge sees in images from equal noise."""
        gone = self.forgotten(origins, outputs["labels"]).numpy()
        parts = {"forget": np.flatnonzero(gone), "retain": np.flatnonzero(~gone)}
        return agreement(outputs["logits"], oracle["logits"], parts)

    def watch(self, origins: Origins, folder: Path, tracker: Tracker) -> Watch:
        data = origins.data
        every, gone = self.grid_every, origins.sets.classes
        labels = torch.arange(len(data.classes))
        return watching(origins, labels, data.classes, gone, self.sampler, every, folder, tracker)

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """The images as PNG, a folder for each class, if asked for."""
        if not self.save_samples:
            return
        save_images(outputs["images"], outputs["labels"], origins.data.classes, folder / "samples")

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        classes, gone = origins.data.classes, origins.sets.classes
        method = origins.experiment.choices["method"]
        labels = outputs[method]["labels"].numpy()
        images = {name: channels_last(out["images"]) for name, out in outputs.items()}
        judged = outputs[method]["logits"].argmax(1).numpy()
        files = [folder / f"{name}.png" for name in ("training_curves", "samples", "confusion")]
        training_curves(history, files[0])
        sample_grid(images, labels, classes, gone, files[1], SHOWN)
        confusion_matrix(judged, labels, classes, gone, files[2])
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """A row for every class: images of each model from the same noise."""
        rows = []
        recognised = {model: self.per_class(origins, out) for model, out in outputs.items()}
        for number, name in enumerate(origins.data.classes):
            row: dict[str, Any] = {"class": name, "forgotten": number in origins.sets.classes}
            for model, out in outputs.items():
                row[model] = strip(channels_last(out["images"][out["labels"] == number][:SHOWN]))
                row[f"{model} (%)"] = recognised[model][name]
            rows.append(row)
        return rows

    def forgotten(self, origins: Origins, labels: Tensor) -> Tensor:
        """Which of the labels (n,) are forgotten classes, bool (n,)."""
        return torch.isin(labels, torch.tensor(origins.sets.classes))
