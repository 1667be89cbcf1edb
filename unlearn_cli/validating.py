"""Looks at validation rows after each epoch: which epoch is the best, and when enough is forgotten.

The model is judged as `unlearn tune` judges a trial (`judged_on=validation`), outside the clock. No test row
is in any part of that.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.data.splits import more_validation_rows
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluating import evaluated, evaluated_once
from unlearn_cli.evaluation.expected import (
    expected_forgetting,
    expected_metrics,
    forgetting,
    is_expected,
    is_whole,
)
from unlearn_cli.evaluation.gaps import compared
from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.figures.validation import validation_curves
from unlearn_cli.methods.base import Method
from unlearn_cli.methods.references import References
from unlearn_cli.origins import Origins

PART = "validation/"
"""How the keys of what was seen begin, in an epoch's row of the history."""
OBJECTIVE = f"{PART}objective"


@dataclass(frozen=True, eq=False)
class Validation:
    """Of one run, whose method trains."""

    origins: Origins
    """The run, judged on validation rows."""
    objective: Objective | None
    """What the best epoch has the best of; None: the last one's weights are the result."""
    original: Mapping[str, float]
    """Its metrics there."""
    oracle: Mapping[str, float] | None
    """The oracle's, or what is expected of one."""
    wanted: float | None
    """Percent of what is to be forgotten that is no longer recognised when it is enough; None: never."""
    folder: Path
    """Of the run; working files go there."""

    def check_measured(self) -> None:
        """RunError: this evaluation has not the numbers that are asked for, as the original's show."""
        try:
            if self.objective:
                self.objective.check_measured(self._result(self.original))
        except InputError as error:
            raise RunError(
                f"method.select: on validation rows there is no number to choose by: {error}"
            ) from error
        if (
            self.wanted is not None
            and (key := forgetting(self.origins.experiment.task.name)) not in self.original
        ):
            raise RunError(f"method.stop_at: on validation rows there is no {key} to stop at")

    def look(self, model: nn.Module, epoch: int) -> dict[str, float]:
        """All metrics of the model, by their keys in the epoch's row of the history."""
        folder = self.folder / "validation" / str(epoch)
        folder.mkdir(parents=True, exist_ok=True)
        experiment, compute = self.origins.experiment, self.origins.compute
        shown = experiment.method.as_judged(experiment.task, model)
        outputs = experiment.eval.outputs(self.origins, shown, folder)
        metrics = evaluated(self.origins, shown, outputs, folder)
        compute.barrier()
        if compute.is_main:
            shutil.rmtree(folder.parent)
        metrics = compute.broadcast(metrics)  # all processes are to come to the same end
        found = {f"{PART}{key}": value for key, value in metrics.items()}
        value = self.objective.value(self._result(metrics)) if self.objective else None
        return found | ({} if value is None else {OBJECTIVE: value})

    def rank(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """As `unlearn tune` ranks a trial: not destroyed, then by the objective, then by its tie."""
        assert self.objective
        return self.objective.rank([self._result(self._metrics(row))])

    def enough(self, row: Mapping[str, Any]) -> bool:
        """Whether enough is forgotten."""
        return self.wanted is not None and self._forgotten(row) >= self.wanted

    def record(self, history: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What came of it, for the run's result."""
        rows = _looked_at(history)
        experiment, method = self.origins.experiment, self.origins.experiment.method
        chosen = min(rows, key=self.rank) if self.objective else rows[-1]
        return {
            "select": method.select,
            "objective": self.objective.name if self.objective else None,
            "stand_in": bool(self.objective and self.objective.is_gap) and not experiment.has_oracle,
            "stop_at": method.stop_at,
            "wanted": self.wanted,
            "epochs": len(rows),
            "epoch": chosen["epoch"],
            "value": chosen.get(OBJECTIVE),
            "forgotten": self._forgotten(chosen),
            "enough": None if self.wanted is None else self.enough(rows[-1]),
        }

    def _forgotten(self, row: Mapping[str, Any]) -> float:
        return float(row.get(f"{PART}{forgetting(self.origins.experiment.task.name)}", 0.0))

    def _metrics(self, row: Mapping[str, Any]) -> dict[str, float]:
        found = {key: value for key, value in row.items() if key.startswith(PART) and key != OBJECTIVE}
        return {key.removeprefix(PART): value for key, value in found.items()}

    def _result(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        return compared(metrics, self.original, self.oracle, len(self.origins.data.classes))


def _looked_at(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows of epochs after which there was a look."""
    return [row for row in history if any(key.startswith(PART) for key in row)]


def drawn(origins: Origins, record: Mapping[str, Any], file: Path) -> Path:
    """The figure of a run whose record has what came of it."""
    found = record["validation"]
    rows = _looked_at(record["history"])
    key = forgetting(origins.experiment.task.name)
    panels = {OBJECTIVE: found["objective"]} if found["objective"] else {}
    panels |= {f"{PART}{key}": f"{key} (%)"}
    validation_curves(
        *(rows, panels, found["epoch"], found["wanted"], file), origins.experiment.eval.about(origins)
    )
    return file


def validation_of(origins: Origins, references: References, folder: Path) -> Validation | None:
    """That of a run; None where nothing asks for it."""
    method = origins.experiment.method
    if not asked_by(method):
        return None
    seen = on_validation(origins)
    original = evaluated_once(seen, references.original)
    oracle = evaluated_once(seen, references.oracle) if references.oracle else None
    objective, wanted = None, None
    if _is_expected(seen):
        unseen = _expected_forgetting(seen, references)
        oracle = oracle or expected_metrics(original, seen.experiment.task.name, unseen)
        wanted = unseen if method.stop_at == "validation" else None
    if isinstance(method.stop_at, float):
        wanted = 100 - method.stop_at
    if method.select == "best":
        objective = Objective.of_epochs(seen.experiment, _is_expected(seen))
    found = Validation(seen, objective, original, oracle, wanted, folder)
    found.check_measured()
    return found


def asked_by(method: Method) -> str | None:
    """The key that asks for looks at validation rows."""
    if method.select == "best":
        return "method.select"
    return None if method.stop_at is None else "method.stop_at"


def check(origins: Origins, model: nn.Module) -> None:
    """Called before anything is written; `model` is freshly initialised.

    Raises:
        InputError: a method without epochs, no validation rows, nothing to choose by or to stop at.
    """
    experiment = origins.experiment
    method, evaluation, name = experiment.method, experiment.eval, experiment.choices["method"]
    if not (key := asked_by(method)):
        return
    if not method.has_epochs():
        raise InputError(f"{key}: no epoch of method={name} could be its result; leave it out")
    if evaluation.membership or evaluation.has_klom:
        raise InputError(
            f"{key}: eval.attacks and eval.klom unlearn many models, none of which is looked at; leave it out"
        )
    seen = on_validation(origins)
    if (count := len(seen.sets.test)) < evaluation.tested_rows(seen):
        raise InputError(
            f"{key}: {count} validation rows of what is to be retained, too few to look at; "
            + more_validation_rows(
                experiment.data.val_fraction, brought=experiment.model.learnt_rows is not None
            )
        )
    try:
        seen.experiment.eval.check(seen, model)
    except InputError as error:
        raise InputError(f"{key}: of validation rows: {error}") from error
    if method.select == "best":
        Objective.of_epochs(seen.experiment, _is_expected(seen))
    if method.stop_at == "validation" and not _is_expected(seen):
        raise InputError(
            "method.stop_at: validation rows do not tell how much of this forget set a model recognises that "
            "has not seen it; give a number of percent"
        )


def on_validation(origins: Origins) -> Origins:
    """The same run with all numbers of validation rows."""
    experiment = origins.experiment
    if origins.judged_on:
        return origins
    changed = {"judged_on": "validation", "eval": experiment.eval.on_validation()}
    seen = Origins(
        experiment.model_copy(update=changed),
        *(origins.compute, origins.store, origins.data, origins.splits.judged_on_validation()),
        lambda _: origins.forget_set,
    )
    seen.loaded = origins.loaded
    return seen


def _is_expected(origins: Origins) -> bool:
    """Whether it is known how much a model should not recognise that has not seen the forget set."""
    return is_expected(origins.experiment.task, origins.sets, origins.data.labels)


def _expected_forgetting(origins: Origins, references: References) -> float:
    """In percent."""
    sets, labels = origins.sets, origins.data.labels
    if is_whole(sets, labels):
        return 100.0
    return expected_forgetting(sets, labels, origins.outputs(references.original)["logits"])
