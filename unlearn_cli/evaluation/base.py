"""What a task's evaluation offers to a run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field
from torch import Tensor, nn
from typing_extensions import Never, Self

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.splits import more_validation_rows
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.hidden.base import Inspection
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.evaluation.membership.base import MembershipAttack
from unlearn_cli.figures.about import about
from unlearn_cli.tracking import Tracker

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

Outputs = dict[str, Tensor]
"""What a model puts out, by name; all metrics follow from it."""

Watch = Callable[[nn.Module, int], None]


class Evaluation(Settings, ABC):
    """What `eval=` chooses. `origins` is the run: its data, sets, device, store and experiment.

    A subclass types `model` by what it judges: `Never` is what every such type may stand in for.
    """

    tasks: ClassVar[tuple[str, ...]]
    """Names of the tasks whose models it judges."""
    display_keys: ClassVar[tuple[str, ...]]
    """Its keys that no metric depends on: what is kept or shown."""

    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="seed of what is drawn in judging: relearning, attacks; null: `seed`. What all models "
        "share (noise of samples, members of an attack) has a seed of its own",
    )

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        """Of metrics that it yields and meaning.py does not know, by key."""
        return {}

    def on_validation(self) -> Self:
        """As it judges runs in which values are chosen: nothing that it draws is what a test draws."""
        return self

    @property
    def membership(self) -> Mapping[str, MembershipAttack]:
        """The attacks on single rows that are made, by name; they read the logits among its outputs."""
        return {}

    @property
    def has_klom(self) -> bool:
        """Whether unlearned models and oracles of many seeds are compared, by their logits."""
        return False

    def check_pools(self, experiment: Any) -> None:
        """InputError: the models for those attacks or for KLOM cannot be trained, or not unlearned."""

    @property
    def inspections(self) -> tuple[Inspection, ...]:
        """What else the model is looked into for, each part kept by itself."""
        return ()

    @property
    def has_judge(self) -> bool:
        """Whether a judge is made, once for all runs, before any model can be judged."""
        return False

    def judge_made(self, origins: Origins) -> bool:
        """Whether the store has the judge."""
        return True

    def make_judge(self, origins: Origins) -> None:
        """Make the judge, so that the runs find it in the store."""

    def check_rows(self, origins: Origins) -> None:
        """Whether every part that is looked at has rows. InputError names what leaves one empty."""
        sets, splits, data = origins.sets, origins.splits, origins.experiment.data
        if not len(sets.unforgotten):
            raise InputError("forget: no training row is retained; forget less")
        if len(sets.test) >= self.tested_rows(origins):
            return
        if len(sets.test) < len(splits.test):
            raise InputError(
                f"forget: {len(sets.test)} of {len(splits.test)} test rows are of what is to be retained, "
                "too few to be judged by; forget less"
            )
        if origins.judged_on:
            raise InputError(
                f"judged_on: {len(splits.test)} validation rows, too few to be judged by; "
                + more_validation_rows(
                    data.val_fraction, brought=origins.experiment.model.learnt_rows is not None
                )
            )
        raise InputError(
            f"data.test_fraction: {len(splits.test)} rows to test on, too few to be judged by; give more "
            f"than {data.test_fraction} of each class (or more images), or a test split"
        )

    def tested_rows(self, origins: Origins) -> int:
        """How many test rows of what is to be retained the metrics need."""
        return 1

    def check(self, origins: Origins, model: Never) -> None:
        """Called before anything is written; `model` is freshly initialised.

        Raises:
            InputError: the settings do not fit the data, the forget set or the model.
        """

    @abstractmethod
    def output_facts(self, origins: Origins) -> dict[str, Any]:
        """What else than the model moves the outputs, for the store's key."""

    def metric_facts(self) -> dict[str, Any]:
        """What moves the metrics beside the outputs and its own keys, for the store's key."""
        return {}

    @abstractmethod
    def outputs(self, origins: Origins, model: Never, folder: Path) -> Outputs:
        """The model's outputs, computed once. Working files, so that it can resume, go into `folder`."""

    @abstractmethod
    def metrics(self, origins: Origins, model: Never, outputs: Outputs, folder: Path) -> dict[str, float]:
        """Named numbers; each name has its `Meaning` in meaning.py or in `meanings`."""

    @abstractmethod
    def per_class(self, origins: Origins, outputs: Outputs) -> dict[str, float]:
        """Accuracy in percent of every class, by its name, the forgotten ones included."""

    @abstractmethod
    def versus(self, origins: Origins, outputs: Outputs, oracle: Outputs) -> dict[str, float]:
        """How near the model is to the oracle, output by output."""

    def about(self, origins: Origins) -> str:
        """What the figures of a run say of it: method, data, model, what was forgotten, seed."""
        experiment, forget_set = origins.experiment, origins.forget_set
        return about(
            experiment.choices, forget_set.kind, forget_set.facts, origins.data.classes, experiment.seed
        )

    def watch(self, origins: Origins, folder: Path, tracker: Tracker) -> Watch:
        """Called with the model and the epochs done while it unlearns."""
        return lambda model, epoch: None

    @abstractmethod
    def keep(self, origins: Origins, outputs: Outputs, folder: Path) -> None:
        """Write what was asked for of the method's outputs."""

    @abstractmethod
    def figures(
        self, origins: Origins, history: list[dict[str, Any]], outputs: dict[str, Outputs], folder: Path
    ) -> list[Path]:
        """Draw the run. `outputs`: by model, "original", then the method's, then "oracle" if there is one."""

    @abstractmethod
    def samples(self, origins: Origins, outputs: dict[str, Outputs]) -> list[dict[str, Any]]:
        """Rows for the tracker's table of predictions."""
