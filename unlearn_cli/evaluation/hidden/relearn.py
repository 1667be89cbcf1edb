"""Relearning: does a little training bring the forgotten back, even training on other samples alone?

Forget accuracy of unlearned classifiers returns from 50 % to nearly 100 % by training on the retained
samples alone, the oracle's does not (arXiv:2505.22310).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field, field_validator
from torch import nn

from unlearn_cli.data.feeds import shuffled, stretches
from unlearn_cli.evaluation.accuracy import percent
from unlearn_cli.evaluation.hidden.base import Found, Inspection, Record, Subject
from unlearn_cli.evaluation.relearning import relearned_copy
from unlearn_cli.figures.relearning import relearning_curves
from unlearn_cli.methods.original import Original
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.base import Task
from unlearn_cli.training.optim import Recipe

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

RETURNED = 0.9
"""Share of the original's accuracy on forget samples at which these count as back."""

Curve = dict[str, list[float]]
"""`step`, and accuracy in percent on `forget` and, where something is wholly forgotten, `test` samples."""


class Relearn(Inspection):
    """Accuracy on all forget samples while the model is trained on other rows, each time from itself.

    On retained samples alone; on a few forgotten ones alone; and on the retained ones of classes of which
    nothing is forgotten, where these are some but not all. Each for as many steps, with the seed of judging.
    """

    name: ClassVar[str] = "relearn"

    rows: int = Field(gt=0, description="forgotten samples, drawn at random, where it trains on these alone")
    every: int = Field(gt=0, description="steps between two looks")
    recipe: Recipe = Field(
        description="its epochs (passes over retained samples) and max_steps are the limit of each training"
    )

    @field_validator("recipe")
    @classmethod
    def _counts_no_epochs(cls, recipe: Recipe) -> Recipe:
        if recipe.warmup_epochs or recipe.schedule == "multistep":
            raise ValueError(
                "warmup_epochs and multistep count epochs, and looks part the training otherwise"
            )
        return recipe

    def inspect(self, subject: Subject) -> Found:
        origins, curves = subject.origins, {}
        for way, rows in self._ways(origins).items():
            curves[way] = self._curve(subject, way, rows)
        before = origins.outputs(origins.get(Original()))["logits"]
        back = RETURNED * percent(before, origins.data.labels, origins.sets.forget)
        found: dict[str, float] = {}
        for way, curve in curves.items():
            found[f"relearned_{way}"] = curve["forget"][-1]
            if "test" in curve:
                found[f"relearned_{way}_test"] = curve["test"][-1]
            steps = zip(curve["step"], curve["forget"], strict=True)
            found[f"relearned_{way}_steps"] = next((s for s, acc in steps if acc >= back), curve["step"][-1])
        return Found(found, dict(curves))

    def figures(self, records: Mapping[str, Record], folder: Path, about: str) -> list[Path]:
        """`relearning.png`: the curves of all models, a panel for each kind of rows."""
        path = folder / "relearning.png"
        relearning_curves(records, path, about)
        return [path]

    def _ways(self, origins: Origins) -> dict[str, np.ndarray]:
        """The rows of each training, by what they are."""
        sets, labels = origins.sets, origins.data.labels
        drawn = rng(origins.experiment.seeds.eval, "relearn").permutation(sets.forget)[: self.rows]
        ways = {"retain": sets.retain, "forget": np.sort(drawn)}
        others = sets.retain[~np.isin(labels[sets.retain], labels[sets.forget])]
        return ways | ({"others": others} if 0 < len(others) < len(sets.retain) else {})

    def _curve(self, subject: Subject, way: str, rows: np.ndarray) -> Curve:
        """Looks at the model itself, and after each stretch of training on these rows."""
        origins = subject.origins
        task: Task = origins.experiment.task
        looked_at = {"forget": origins.sets.forget, "test": origins.sets.test_forgotten}
        looked_at = {name: part for name, part in looked_at.items() if len(part)}
        trainer = origins.trainer(subject.folder)

        def look(model: nn.Module, epoch: int) -> dict[str, float]:
            return {name: task.glance(model, trainer, part)["acc"] for name, part in looked_at.items()}

        trainer.monitor = look
        feed = stretches(shuffled(rows), self.every)
        relearned_copy(task, subject.model, feed, trainer, self._recipe(origins), stage=f"relearn_{way}")
        curve: Curve = {
            "step": [0],
            **{
                name: [percent(subject.logits, origins.data.labels, part)] for name, part in looked_at.items()
            },
        }
        for row in trainer.history:
            for name in curve:
                curve[name].append(row[name])
        return curve

    def _recipe(self, origins: Origins) -> Recipe:
        """The recipe in stretches, for as many steps as it has on the retained samples."""
        a_pass = -(-len(origins.sets.retain) // self.recipe.batch_size)
        steps = sum(self.recipe.limited_steps([a_pass] * self.recipe.epochs))
        return self.recipe.model_copy(update={"epochs": -(-steps // self.every), "max_steps": steps})
