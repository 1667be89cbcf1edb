"""One way of looking into a model, and what it is handed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor, nn

from unlearn_cli.config.settings import Settings, described
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

Record = dict[str, Any]
"""What an inspection has found beside its metrics, fit for JSON: curves, values by layer."""


@dataclass(frozen=True)
class Subject:
    """The model that is looked into; it is shared, so that whoever changes it changes a copy."""

    origins: Origins
    model: nn.Module
    """On the device, in eval mode."""
    logits: Tensor
    """Its own (N, C) over the data's rows, NaN where not predicted."""
    folder: Path
    """For checkpoints."""

    def references(self) -> dict[str, nn.Module]:
        """The original model, and the oracle where the run has one, by name."""
        origins, found = self.origins, {"original": Original()}
        if origins.experiment.needs_oracle:
            found["oracle"] = Retrain()
        return {name: origins.get(method).model for name, method in found.items()}


@dataclass(frozen=True)
class Found:
    """Named numbers, each of which has its Meaning, and the record behind them."""

    metrics: dict[str, float]
    record: Record


class Inspection(Settings, ABC):
    """What `eval.hidden` names; the same for method, original and oracle."""

    name: ClassVar[str]
    """Its key in `eval`, and that of its record."""

    def check(self, origins: Origins, model: nn.Module) -> None:
        """Called before anything is trained; `model` is freshly initialised.

        Raises:
            InputError: the settings do not fit the data, the forget set or the model.
        """

    def facts(self, origins: Origins) -> dict[str, Any]:
        """What determines the numbers beside model and rows: its values, and what it compares with."""
        compared = {"original": origins.key(Original())}
        if origins.experiment.needs_oracle:
            compared["oracle"] = origins.key(Retrain())
        return described(self) | compared

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        """Of metrics whose keys its values name, and that meaning.py need not know."""
        return {}

    @abstractmethod
    def inspect(self, subject: Subject) -> Found:
        """Look into the model."""

    def figures(self, records: Mapping[str, Record], folder: Path, about: str) -> list[Path]:
        """Draw the records of several models, by name: original, method, oracle."""
        return []
