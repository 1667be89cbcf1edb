"""Asks a vision-language model about images, and tells what its answers are worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor, nn

from unlearn_cli.data.answers import Status, statuses
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.questions import Questioned
from unlearn_cli.tasks.verbs.vlm import VlmVerbs
from unlearn_cli.training.trainer import Trainer

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

FORGOTTEN = (Status.WRONG, Status.REFUSAL)
"""What an answer to a question about the concept should be; garbage is neither."""


@dataclass(frozen=True)
class Questioner:
    """Rows are questions about images; answers are words."""

    task: VlmVerbs
    data: Questioned
    trainer: Trainer
    tokens: int
    """Of an answer at most."""

    @classmethod
    def of(cls, origins: Origins, folder: Path, tokens: int) -> Questioner:
        """That of a run."""
        return cls(origins.experiment.task, questioned(origins), origins.trainer(folder), tokens)

    def ask(
        self,
        model: nn.Module,
        rows: np.ndarray,
        preface: str = "",
        change: Callable[[nn.Module, Batch], Tensor] | None = None,
    ) -> list[str]:
        """Answers to the rows' questions; preface, change: see `Answers.answers`."""
        return self.task.answers(model, self.trainer, rows, self.tokens, preface, change)

    def is_correct(self, rows: np.ndarray, answers: list[str]) -> np.ndarray:
        """(n,) bool."""
        return statuses(self.data, rows, answers, self.task.refusals) == Status.CORRECT

    def share_forgotten(self, model: nn.Module, rows: np.ndarray, **changes: Any) -> float:
        """Of the rows' questions, in percent: answered otherwise or refused. changes: as of `ask`."""
        answers = self.ask(model, rows, **changes)
        return percent(np.isin(statuses(self.data, rows, answers, self.task.refusals), FORGOTTEN))


def questioned(origins: Origins) -> Questioned:
    """The run's data as the task has made them: rows of questions."""
    assert isinstance(origins.data, Questioned)
    return origins.data


def percent(which: np.ndarray) -> float:
    """Share of true among `which` (n,) bool in percent; 0 of none."""
    return 100 * float(which.mean()) if len(which) else 0.0
