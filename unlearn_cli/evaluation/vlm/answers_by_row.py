"""What a model answered to the test questions, row by row, and the metrics that follow from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.answers import RETAINED_CELLS, Status, holds_phrase
from unlearn_cli.data.questions import Questioned
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.evaluation.vlm.questioner import FORGOTTEN, percent


@dataclass(frozen=True)
class AnswersByRow:
    """Answers of one model, in the order of the rows."""

    data: Questioned
    concepts: tuple[Substitution, ...]
    """To be forgotten."""
    texts: dict[int, str]
    """What was answered, by row."""
    statuses: dict[int, int]
    """The `Status` of it, by row."""

    def share(self, rows: np.ndarray, *wanted: Status) -> float:
        """Of the rows, in percent, whose answers are of the wanted statuses."""
        return percent(np.isin([self.statuses[row] for row in rows], wanted))

    def names_concept(self, row: int) -> bool:
        return any(holds_phrase(self.texts[row], one.concept) for one in self.concepts)

    def names_another_truth(self, row: int) -> bool:
        """Whether something else that is so of its image is named."""
        others = self.data.columns["answer"][self.data.other_questions(row)]
        return any(holds_phrase(self.texts[row], answer) for answer in others)


def answer_metrics(answers: AnswersByRow, cells: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How questions about the concept and all others are answered, in percent; cells: of `data.answers`."""
    kept = {name: cells[name] for name in RETAINED_CELLS if len(cells[name])}
    falsely = [answers.names_concept(row) for rows in kept.values() for row in rows]
    return {
        "refusals": answers.share(cells["direct"], Status.REFUSAL),
        "invalid": answers.share(cells["direct"], Status.INVALID),
        **{name: answers.share(rows, Status.CORRECT) for name, rows in kept.items()},
        "false_positives": percent(np.array(falsely)),
    }


def indirect_metrics(answers: AnswersByRow, before: AnswersByRow, indirect: np.ndarray) -> dict[str, float]:
    """`UA_indirect`: of the rows in which the original names the concept; {} where there are none.

    Forgotten: the concept is not named, and the answer is another, a refusal, or says something else that is
    so of the image.
    """
    known = [row for row in indirect if before.names_concept(row)]
    if not known:
        return {}
    forgotten = [
        not answers.names_concept(row)
        and (answers.statuses[row] in FORGOTTEN or answers.names_another_truth(row))
        for row in known
    ]
    return {"UA_indirect": percent(np.array(forgotten))}


def as_bytes(texts: list[str]) -> Tensor:
    """(n, L) uint8, filled up with zeros."""
    parts = [torch.tensor(list(text.encode()), dtype=torch.uint8) for text in texts]
    return nn.utils.rnn.pad_sequence(parts, batch_first=True)


def as_texts(rows: Tensor) -> list[str]:
    """The reverse of `as_bytes`."""
    return [bytes(row).rstrip(b"\0").decode() for row in rows.tolist()]
