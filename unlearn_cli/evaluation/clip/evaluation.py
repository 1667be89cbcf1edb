"""How a CLIP is judged that shall no longer recognise what comes from some domains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.captions import fill_captions
from unlearn_cli.data.rows import spread
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.accuracy import accuracy_by_class
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.clip.embeddings import domain_map, relevance_maps
from unlearn_cli.evaluation.clip.metrics import probe_metrics, retrieval_metrics, template_metrics
from unlearn_cli.evaluation.clip.relevance import relevance
from unlearn_cli.evaluation.domains import memorized_and_forgotten
from unlearn_cli.evaluation.hidden.settings import HiddenSettings
from unlearn_cli.evaluation.membership.settings import AttackedByRow
from unlearn_cli.evaluation.predictions import predictions
from unlearn_cli.evaluation.probes import domain_accuracy
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.forget.base import Selector
from unlearn_cli.methods.original import Original
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.verbs.clip import HasCaptions
from unlearn_cli.training.trainer import Trainer

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class ClipEvaluation(HiddenSettings, AttackedByRow):
    """Mem, For and H (ADU, NeurIPS 2025) and what lies behind them, all from one pass over the images.

    Outputs, of the data's rows (NaN where not predicted): `logits` (N, C) and image embeddings `features`
    (N, E); `templates` (T, C, E) and `captions` (K, E), embeddings of texts; `relevance` (R, g, g), of the
    test rows `relevance_rows` (R,).
    """

    tasks: ClassVar[tuple[str, ...]] = ("clip",)
    display_keys: ClassVar[tuple[str, ...]] = ("predictions", "embedded", "relevance")

    templates: tuple[str, ...] = Field(description="other texts of a class, {} for it; none: not measured")
    caption: str | None = Field(
        description="an image's caption in retrieval, of the data's columns in braces; null = a {domain} of "
        "a {label}, or a {label} where there are no domains"
    )
    relevance: int = Field(ge=0, description="test images of each domain in the relevance maps; 0 = none")
    embedded: int = Field(ge=0, description="test images in the t-SNE at most; 0 = none")
    predictions: int = Field(ge=0, le=200, description="samples in the table of predictions (W&B)")

    def check(self, origins: Origins, model: nn.Module) -> None:
        if origins.compute.world > 1:  # methods call parts of the model, which its wrapper has not
            raise InputError("task: clip runs in one process; start it without accelerate launch")
        self._captions(origins)
        if not origins.experiment.model.ready_made:  # it is yet to learn from these
            task: HasCaptions = origins.experiment.task
            for caption in task.captions:
                fill_captions(caption, origins.data.columns)
        if wrong := [template for template in self.templates if template.count("{}") != 1]:
            raise InputError(f"eval.templates: '{wrong[0]}' has not one {{}} for the class; as in 'a {{}}'")
        if not len(origins.sets.test_forgotten):
            raise InputError(
                "forget: nothing of the test set is wholly forgotten, so there is no For; "
                "use forget=domain or forget=class"
            )
        if not len(origins.sets.test):
            raise InputError("forget: all of the test set is to be forgotten, so there is no Mem; keep some")

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """The texts, and which images are looked at."""
        return {
            "templates": list(self.templates),
            "caption": self.caption,
            "relevance": self.relevance,
            "column": self._column(origins),
        }

    @torch.no_grad()
    def outputs(self, origins: Origins, model: ZeroShotClip, folder: Path) -> Outputs:
        trainer, model, classes = origins.trainer(folder), model.eval(), origins.data.classes
        features, logits = self._images(origins, model, trainer)
        rows = self._relevance_rows(origins)
        outputs = {
            "features": features,
            "logits": logits,
            "captions": model.text_features(self._captions(origins)[0]).cpu(),
            "relevance_rows": torch.from_numpy(rows),
        }
        if self.templates:
            texts = [model.text_features([model.prompt(c, t) for c in classes]) for t in self.templates]
            outputs["templates"] = torch.stack(texts).cpu()
        if len(rows):
            (batch,) = trainer.batches(rows, len(rows))
            outputs["relevance"] = relevance(model, batch.x, batch.y).cpu()
        return outputs

    def _images(self, origins: Origins, model: ZeroShotClip, trainer: Trainer) -> tuple[Tensor, Tensor]:
        """Embeddings (N, E) and logits (N, C) of the data's rows, NaN where not predicted."""
        data, rows = origins.data, origins.all_rows
        parts: list[Tensor] = []
        for batch in trainer.batches(rows):
            images = model.image_features(batch.x)
            parts.append(torch.cat([images, model.adapter.logits(model, images)], dim=1).cpu())
        found = torch.cat(parts)
        both = torch.full((len(data), found.shape[1]), float("nan"))
        both[torch.from_numpy(rows)] = found
        width = found.shape[1] - len(data.classes)
        return both[:, :width].contiguous(), both[:, width:].contiguous()

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        data, sets, features = origins.data, origins.sets, outputs["features"]
        found = self._memorized_and_forgotten(origins, outputs)
        original = self._memorized_and_forgotten(origins, origins.outputs(origins.get(Original())))
        found["Mem_drop"] = original["Mem"] - found["Mem"]
        if "templates" in outputs:
            found |= template_metrics(features, outputs["templates"], data.labels, sets)
        found |= retrieval_metrics(features, outputs["captions"], self._captions(origins)[1], sets)
        found |= probe_metrics(features.numpy(), data.labels, sets)
        if len(sets.groups):
            found["domain_accuracy"] = domain_accuracy(features.numpy(), self._domains(origins), sets)
        return found

    def _memorized_and_forgotten(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        right = outputs["logits"].argmax(1).numpy() == origins.data.labels
        return memorized_and_forgotten(right, origins.sets, origins.data.labels)

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Test accuracy in percent of every class, then of every domain as `column=name`."""
        data, tested, logits = origins.data, origins.sets.all_test, outputs["logits"]
        found = accuracy_by_class(logits, data.labels, tested, data.classes)
        column = self._column(origins)
        if column is None:
            return found
        right = logits.argmax(1).numpy() == data.labels
        values = data.columns[column].astype(str)
        return found | {
            f"{column}={name}": 100 * float(right[tested][values[tested] == name].mean())
            for name in np.unique(values[tested])
        }

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        return agreement(outputs["logits"], oracle["logits"], origins.sets.parts)

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """Nothing: all of it can be had again from the run's model."""

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        data, sets, about = origins.data, origins.sets, self.about(origins)
        files = [folder / "training_curves.png"]
        training_curves(history, files[0], about)
        if self.embedded and len(sets.groups):
            rows = spread(sets.all_test, self.embedded)
            column = data.columns[str(self._column(origins))].astype(str)
            forgotten = set(column[sets.test_forgotten])
            files.append(folder / "domains.png")
            features = {name: out["features"][rows].numpy() for name, out in outputs.items()}
            domain_map(features, column[rows], forgotten, files[-1], about)
        with_map = outputs["original"]["relevance_rows"].numpy()
        if len(with_map):
            files.append(folder / "relevance.png")
            maps = {name: out["relevance"].numpy() for name, out in outputs.items()}
            titles = [self._title(origins, row) for row in with_map]
            relevance_maps([data.image(row) for row in with_map], titles, maps, files[-1], about)
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        return predictions(origins, outputs, self.predictions)

    def _column(self, origins: Origins) -> str | None:
        """That of the domains; None where no domain is to be forgotten."""
        selector: Selector = origins.experiment.forget
        return selector.column_of_domains

    def _domains(self, origins: Origins) -> np.ndarray:
        """(N,) the true domain of each row."""
        values = origins.data.columns[str(self._column(origins))].astype(str)
        return np.unique(values, return_inverse=True)[1]

    def _captions(self, origins: Origins) -> tuple[list[str], np.ndarray]:
        """All captions of the data, and the number of each row's, (N,)."""
        columns = origins.data.columns
        caption = self.caption or ("a {domain} of a {label}" if "domain" in columns else "a {label}")
        texts, numbers = np.unique(fill_captions(caption, columns, "eval.caption"), return_inverse=True)
        return texts.tolist(), numbers

    def _relevance_rows(self, origins: Origins) -> np.ndarray:
        """Test rows for the relevance maps: some of each domain, or, without domains, of all."""
        tested, column = origins.splits.test, self._column(origins)
        values = origins.data.columns[column].astype(str)[tested] if column else np.zeros(len(tested))
        parts = [tested[values == value] for value in np.unique(values)]
        return np.concatenate([spread(part, self.relevance) for part in parts])

    def _title(self, origins: Origins, row: int) -> str:
        data, column = origins.data, self._column(origins)
        name = data.classes[data.labels[row]]
        forgotten = " (forgotten)" if row in origins.sets.test_forgotten else ""
        return (f"{name}, {data.columns[column][row]}" if column else name) + forgotten
