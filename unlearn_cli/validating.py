"""Looks at validation rows after each epoch: which epoch is the best, and when enough is forgotten.

The model is judged as `unlearn tune` judges a trial (`judged_on=validation`), outside the clock. No test row
is in any part of that.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from unlearn_cli.config.protocols import lacking
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluating import evaluated, evaluated_once
from unlearn_cli.evaluation.accuracy import per_class
from unlearn_cli.evaluation.gaps import compared
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.evaluation.objective import DEFAULTS, TIES, Objective
from unlearn_cli.figures.validation import validation_curves
from unlearn_cli.methods.base import Method
from unlearn_cli.methods.references import References
from unlearn_cli.origins import Origins
from unlearn_cli.tasks.verbs.base import Predicts

PART = "validation/"
"""How the keys of what was seen begin, in an epoch's row of the history."""
OBJECTIVE = f"{PART}objective"
FORGETTING = {"clip": "For", "vlm": "UA_direct"}
"""By task the metric that says what percentage to be forgotten is not recognised; of others UA."""
STAND_IN = {
    "classification": ("UA", "RA", "TA"),
    "generation": ("UA", "RA"),
    "text_to_image": ("UA", "IRA", "CRA"),
}
"""By task what is known of an oracle without one: see `expected_of_oracle`."""


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
        if self.wanted is not None and (key := forgetting(self.origins)) not in self.original:
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
        rows = [row for row in history if any(key.startswith(PART) for key in row)]
        method = self.origins.experiment.method
        chosen = min(rows, key=self.rank) if self.objective else rows[-1]
        return {
            "select": method.select,
            "objective": self.objective.name if self.objective else None,
            "stand_in": self.objective is not None and not self.origins.experiment.has_oracle,
            "stop_at": method.stop_at,
            "wanted": self.wanted,
            "epochs": len(rows),
            "epoch": chosen["epoch"],
            "value": chosen.get(OBJECTIVE),
            "forgotten": self._forgotten(chosen),
            "enough": None if self.wanted is None else self.enough(rows[-1]),
        }

    def _forgotten(self, row: Mapping[str, Any]) -> float:
        return float(row.get(f"{PART}{forgetting(self.origins)}", 0.0))

    def _metrics(self, row: Mapping[str, Any]) -> dict[str, float]:
        found = {key: value for key, value in row.items() if key.startswith(PART) and key != OBJECTIVE}
        return {key.removeprefix(PART): value for key, value in found.items()}

    def _result(self, metrics: Mapping[str, float]) -> dict[str, Any]:
        return compared(metrics, self.original, self.oracle, len(self.origins.data.classes))


def drawn(origins: Origins, record: Mapping[str, Any], file: Path) -> Path:
    """The figure of a run whose record has what came of it."""
    found = record["validation"]
    rows = [row for row in record["history"] if any(key.startswith(PART) for key in row)]
    key = forgetting(origins)
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
    unseen = expected_forgetting(seen, references) if expects_forgetting(seen) else None
    oracle = evaluated_once(seen, references.oracle) if references.oracle else None
    if oracle is None and unseen is not None:
        oracle = expected_of_oracle(seen, original, unseen)
    wanted = unseen if method.stop_at == "validation" else None
    if isinstance(method.stop_at, float):
        wanted = 100 - method.stop_at
    objective = objective_of(seen) if method.select == "best" else None
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
            f"{key}: {count} validation rows of what is to be retained, too few to look at; give more than "
            f"data.val_fraction={experiment.data.val_fraction} (its original and oracle are models of their "
            "own)"
        )
    try:
        seen.experiment.eval.check(seen, model)
    except InputError as error:
        raise InputError(f"{key}: of validation rows: {error}") from error
    if method.select == "best":
        objective_of(seen)
    if method.stop_at == "validation" and not expects_forgetting(seen):
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


def objective_of(origins: Origins) -> Objective:
    """That of `unlearn tune`; without an oracle the mean gap to what is expected of one.

    Raises:
        InputError: neither can be had.
    """
    experiment = origins.experiment
    name = experiment.task.name
    if experiment.has_oracle or DEFAULTS.get(name) == ("H",):
        return Objective.of((), experiment)
    if not (keys := STAND_IN.get(name)) or not expects_forgetting(origins):
        raise InputError(
            "method.select: the best epoch is the nearest to the oracle, and this run has none, nor is it "
            "known what one would recognise; set oracle.compare=true or method.select=last"
        )
    return Objective(keys, TIES.get(name), MEANINGS)


def forgetting(origins: Origins) -> str:
    """The metric that says how much of what is to be forgotten is no longer recognised."""
    return FORGETTING.get(origins.experiment.task.name, "UA")


def expects_forgetting(origins: Origins) -> bool:
    """Whether `expected_forgetting` can be had."""
    sets, labels = origins.sets, origins.data.labels
    if _is_whole(origins):
        return True
    known = np.isin(labels[sets.forget], labels[sets.val]).any()
    return bool(known) and not len(sets.test_forgotten) and not lacking(origins.experiment.task, Predicts)


def expected_forgetting(origins: Origins, references: References) -> float:
    """Percent of the forget set that a model should not recognise which has not seen it.

    Of whole classes and of concepts all of it. Else the original's error on validation rows, which it has not
    seen either, weighed as the forget set's classes are: the reference point of SCRUB+R (Kurmanji et al.,
    NeurIPS 2023), which takes it of the unlearned model.
    """
    if _is_whole(origins):
        return 100.0
    sets, labels = origins.sets, origins.data.labels
    logits = origins.outputs(references.original)["logits"]
    by_class = per_class(logits, labels, sets.val, len(origins.data.classes))
    return 100 - float(np.nanmean(by_class[labels[sets.forget]]))


def expected_of_oracle(origins: Origins, original: Mapping[str, float], unseen: float) -> dict[str, float]:
    """What stands in for an oracle's metrics: the original's, but for how much is not recognised."""
    return {**original, forgetting(origins): unseen}


def _is_whole(origins: Origins) -> bool:
    """Whether whole classes, or concepts, are to be forgotten, of which an oracle learns nothing."""
    sets = origins.sets
    return bool(sets.concepts) or bool(np.isin(origins.data.labels[sets.forget], sets.classes).all())
