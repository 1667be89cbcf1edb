"""What changes a model at a layer, not in its weights: tried on validation rows, the best is kept."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.answers import RETAINED_CELLS, Status, rows_by_cell, statuses
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.evaluation.domains import harmonic
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.models.capabilities import WithActivations
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.sae.attachment import Attachment, attach
from unlearn_cli.storage.files import write_json
from unlearn_cli.tasks.verbs.vlm import Answers, Refuses
from unlearn_cli.training.trainer import Trainer

EDITS, TRIALS, INTERFERENCE = "edits", "trials.json", "interference.json"


class InterventionTask(Answers, Refuses, Protocol):
    """What an intervention asks of a task."""


@dataclass
class Trial:
    """A module for a layer, by what settings it was made, and what became of the answers with it."""

    concept: Substitution
    layer: str
    settings: dict[str, Any]
    module: nn.Module
    scores: dict[str, float]

    @property
    def described(self) -> dict[str, Any]:
        return {"concept": self.concept.concept, "layer": self.layer, **self.settings, **self.scores}


class Intervention(Unlearning):
    """For each concept the trial with the best harmonic mean of forgetting and keeping on validation rows.

    Forgetting: share of the questions about the concept that are answered otherwise or refused. Keeping: mean
    of the shares answered rightly of the same images' other questions, of the same question about other
    images, and of all else. Several concepts are chosen one by one and then work together.

    The run folder holds trials.json (all of them, with their Pareto front), edits/<concept>.safetensors (what
    is attached) and, for several concepts, interference.json (each alone and with the others).
    """

    needs: ClassVar[type] = InterventionTask
    needs_model: ClassVar[type] = WithActivations
    maskable: ClassVar[bool] = False

    layers: tuple[str | None, ...] = Field(
        min_length=1,
        description="layers whose output is changed, to choose from; null = the one that the projector reads",
    )
    examples: int = Field(gt=0, description="train images of the concept whose activations are read")
    negatives: int = Field(gt=0, description="other train images, asked the same question, to compare")
    reads: int = Field(gt=0, description="images read at once; sets memory alone")
    validated: int = Field(
        gt=0, description="validation rows of each cell that a trial is judged on, at most"
    )
    tokens: int = Field(gt=0, description="tokens of an answer at most")

    @abstractmethod
    def trials(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        layer: str,
        sets: Sets,
        trainer: Trainer,
    ) -> Iterator[tuple[dict[str, Any], nn.Module]]:
        """Settings, and the module (B, T, d) -> change (B, T, d) that they make."""

    @abstractmethod
    def save(self, path: Path, trial: Trial, model: VisionLanguage) -> None:
        """Write the module of a chosen trial, whole or absent."""

    @abstractmethod
    def attached(self, model: VisionLanguage, path: Path, layer: str | None = None) -> Attachment:
        """A module of `save` at work on the model, at its own layer or at another."""

    def check(self, task: InterventionTask, model: VisionLanguage, data: ImageData, sets: Sets) -> None:
        for layer in self.layers_of(model):
            check_layer(model, layer, "method.layers")
        for concept in sets.concepts:
            found = rows_by_cell(data, np.concatenate([sets.val, sets.val_forgotten]), [concept])
            if not (len(found["direct"]) and len(found["in_domain"])):
                raise InputError(
                    f"data.val_fraction: no validation question has '{concept.concept}' for its whole "
                    "answer, or all have, and an edit is chosen on these; give a larger part, more images, "
                    "or another forget.concept"
                )

    def unlearn(
        self, task: InterventionTask, model: VisionLanguage, sets: Sets, trainer: Trainer
    ) -> nn.Module:
        (trainer.folder / EDITS).mkdir(exist_ok=True)
        chosen, described = [], []
        for concept in sets.concepts:
            tried = self.judged_trials(task, model, concept, sets, trainer)
            best = max(tried, key=lambda trial: trial.scores["H"])
            self.save(file_of(trainer.folder, concept), best, model)
            self.record_chosen(best, sets, model, trainer)
            chosen.append(best)
            described += account(tried, best)
        write_json(trainer.folder / TRIALS, described)
        self.put_to_work(chosen, task, model, sets, trainer)
        if len(chosen) > 1:
            found = self.interference(chosen, task, model, sets, trainer)
            write_json(trainer.folder / INTERFERENCE, found)
        return model

    def put_to_work(
        self,
        chosen: list[Trial],
        task: InterventionTask,
        model: VisionLanguage,
        sets: Sets,
        trainer: Trainer,
    ) -> None:
        """Attach the chosen trials, one for each concept, with a self-test of each.

        They are read from their files, so that a model that is restored is the same.
        """
        by_file = {file_of(trainer.folder, trial.concept): trial for trial in chosen}
        for file in edit_files(trainer.folder):
            rows = self.example_rows(by_file[file].concept, sets, trainer)["on"]
            (batch,) = trainer.batches(rows, self.examples)
            self.attached(model, file).self_test(partial(task.first_logits, model, batch))

    def interference(
        self,
        chosen: list[Trial],
        task: InterventionTask,
        model: VisionLanguage,
        sets: Sets,
        trainer: Trainer,
    ) -> dict[str, dict[str, dict[str, float]]]:
        """By concept its scores alone, and with all of them at work."""
        return {
            trial.concept.concept: {
                "alone": trial.scores,
                "together": self.scores(task, model, trial.concept, sets, trainer),
            }
            for trial in chosen
        }

    def judged_trials(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        sets: Sets,
        trainer: Trainer,
    ) -> list[Trial]:
        """All trials for a concept, each at work for as long as it is judged."""
        found = []
        for layer in self.layers_of(model):
            for settings, module in self.trials(task, model, concept, layer, sets, trainer):
                trial = Trial(concept, layer, settings, module, {})
                at_work = self._attach(model, trial)
                trial.scores = self.scores(task, model, concept, sets, trainer)
                at_work.remove()
                found.append(trial)
        return found

    def record_chosen(self, best: Trial, sets: Sets, model: VisionLanguage, trainer: Trainer) -> None:
        """Called with the trial that a concept's edit is made of, to keep an account of it."""

    def restored(self, model: VisionLanguage, folder: Path) -> nn.Module:
        for path in edit_files(folder):
            self.attached(model, path)
        return model

    @torch.no_grad()
    def scores(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        sets: Sets,
        trainer: Trainer,
    ) -> dict[str, float]:
        """Percent on validation rows: UA, the share kept of each cell, kept (their mean), H."""
        data = trainer.data
        found = rows_by_cell(data, np.sort(np.concatenate([sets.val, sets.val_forgotten])), [concept])
        # what is asked about another of the concepts is to be lost, too
        found |= {name: np.setdiff1d(found[name], sets.val_forgotten) for name in RETAINED_CELLS}
        found = {name: spread(rows, self.validated) for name, rows in found.items() if len(rows)}
        rows = np.concatenate([found[name] for name in ("direct", *RETAINED_CELLS) if name in found])
        said = statuses(data, rows, task.answers(model, trainer, rows, self.tokens), task.refusals)
        by_row = dict(zip(rows.tolist(), said.tolist(), strict=True))

        def share(name: str, *wanted: Status) -> float:
            return 100 * float(np.isin([by_row[row] for row in found[name]], wanted).mean())

        kept = {name: share(name, Status.CORRECT) for name in RETAINED_CELLS if name in found}
        ua, mean = share("direct", Status.WRONG, Status.REFUSAL), float(np.mean(list(kept.values())))
        return {"UA": ua, **kept, "kept": mean, "H": harmonic(ua, mean)}

    def example_rows(self, concept: Substitution, sets: Sets, trainer: Trainer) -> dict[str, np.ndarray]:
        """Train rows of the concept's images ("on") and of others that are asked the same ("off")."""
        train = np.sort(np.concatenate([sets.forget, sets.retain]))
        found = rows_by_cell(trainer.data, train, [concept])
        return {
            "on": spread(found["direct"], self.examples),
            "off": spread(found["in_domain"], self.negatives),
        }

    def activations(
        self, model: VisionLanguage, layer: str, rows: np.ndarray, trainer: Trainer
    ) -> Iterator[Tensor]:
        """(B, T, d) of the rows' images, batch by batch."""
        for batch in trainer.batches(rows, self.reads):
            yield model.activations(layer, batch.x)

    def layers_of(self, model: VisionLanguage) -> list[str]:
        """Their names."""
        return [layer or model.vision_layer for layer in self.layers]

    def _attach(self, model: VisionLanguage, trial: Trial) -> Attachment:
        return attach(model.net, trial.layer, trial.module, model.leading(trial.layer), "last")


def check_layer(model: VisionLanguage, layer: str, key: str) -> None:
    """InputError, under the setting's key: the model has no such layer, or does not read what it puts out."""
    names = [name for name, module in model.net.named_modules() if not isinstance(module, nn.ModuleList)]
    if layer not in names:
        known = did_you_mean(layer, names, f"leave it null for '{model.vision_layer}'")
        raise InputError(f"{key}: the model has no '{layer}'; {known}")
    if not model.reads(layer):
        raise InputError(
            f"{key}: nothing reads what '{layer}' puts out; leave it null for '{model.vision_layer}', or "
            f"give '{model.projector}'"
        )


def account(tried: list[Trial], best: Trial) -> list[dict[str, Any]]:
    """The trials for a concept in JSON: which was chosen, which are on the Pareto front."""
    fronts = front([trial.scores for trial in tried])
    return [
        trial.described | {"chosen": trial is best, "front": on}
        for trial, on in zip(tried, fronts, strict=True)
    ]


def front(scores: list[dict[str, float]]) -> list[bool]:
    """Which are on the Pareto front of forgetting (UA) and keeping (kept): no other is better in one of both
    and as good in the other."""
    points = [(one["UA"], one["kept"]) for one in scores]
    return [not any(a >= x and b >= y and (a, b) != (x, y) for a, b in points) for x, y in points]


def edit_files(folder: Path) -> list[Path]:
    """The edits of a run folder, in the order in which they are attached."""
    return sorted((folder / EDITS).glob("*.safetensors"))


def file_of(folder: Path, concept: Substitution) -> Path:
    return folder / EDITS / f"{file_name(concept)}.safetensors"


def file_name(concept: Substitution) -> str:
    return concept.concept.casefold().replace(" ", "_").replace("/", "_")
