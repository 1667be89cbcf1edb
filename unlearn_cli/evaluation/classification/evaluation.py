"""How a classifier is judged: everything follows from one table of logits per model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.evaluation.accuracy import accuracy, accuracy_by_class
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.classification.mia import MIASettings, mia
from unlearn_cli.evaluation.features import confidence
from unlearn_cli.evaluation.hidden.settings import HiddenSettings
from unlearn_cli.evaluation.logits import rows_of
from unlearn_cli.evaluation.membership.settings import AttackedByRow
from unlearn_cli.evaluation.predictions import predictions
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.figures.plots import confidence_histograms, per_class_accuracy
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.tasks.verbs.base import Predicts

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class ClassifierEvaluation(HiddenSettings, AttackedByRow):
    """UA, RA, TA, MIA and what else a table of logits tells.

    Outputs are {"logits": (N, C)} over the data's rows, NaN where not predicted.
    """

    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    display_keys: ClassVar[tuple[str, ...]] = ("save_logits", "predictions")

    mia: MIASettings
    save_logits: bool = Field(description="keep the unlearned model's logits in the run folder (float16)")
    predictions: int = Field(ge=0, le=200, description="samples in the table of predictions (W&B)")

    def tested_rows(self, origins: Origins) -> int:
        """Where no validation row is left for it, half of the test rows stand in (see `mia`)."""
        return 2 if self.mia.leak_free and not len(origins.sets.spare_val) else 1

    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """Nothing: logits are logits."""
        return {}

    def outputs(self, origins: Origins, model: nn.Module, folder: Path) -> Outputs:
        """The model's logits for all rows, computed once and shared by all metrics."""
        data, rows = origins.data, origins.all_rows
        logits = torch.full((len(data), len(data.classes)), float("nan"))
        task: Predicts = origins.experiment.task
        logits[torch.from_numpy(rows)] = task.predict(model, origins.trainer(folder), rows)
        return {"logits": logits}

    def metrics(self, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
        logits, labels, sets = outputs["logits"], origins.data.labels, origins.sets
        return accuracy(logits, labels, sets) | mia(logits, labels, sets, self.mia)

    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Test accuracy in percent of every class."""
        data = origins.data
        return accuracy_by_class(outputs["logits"], data.labels, origins.sets.all_test, data.classes)

    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        return agreement(outputs["logits"], oracle["logits"], origins.sets.parts)

    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """Logits in float16 for later analysis, if asked for."""
        if self.save_logits:
            write_tensors(folder / "logits.safetensors", {"logits": outputs["logits"].half()})

    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        data, sets = origins.data, origins.sets
        confidences = {
            model: {name: true_confidence(out["logits"], data.labels, r) for name, r in sets.parts.items()}
            for model, out in outputs.items()
        }
        classes = {
            model: np.array(list(self.per_class(origins, out).values())) for model, out in outputs.items()
        }
        files = [folder / f"{name}.png" for name in ("training_curves", "confidence", "per_class_accuracy")]
        about = self.about(origins)
        training_curves(history, files[0], about)
        confidence_histograms(confidences, files[1], about)
        per_class_accuracy(classes, data.classes, sets.classes, files[2], about)
        return files

    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """Half of them to be forgotten, the rest from the test set."""
        return predictions(origins, outputs, self.predictions)


def true_confidence(logits: Tensor, labels: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Softmax probability of the true class, (n,)."""
    return confidence(rows_of(logits, rows), labels[rows])[:, 0]
