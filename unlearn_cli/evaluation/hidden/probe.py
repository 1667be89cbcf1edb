"""Can what was forgotten still be told apart by what the last layer reads? Asked of simple classifiers.

Unlearning often changes the last layer's answer and leaves what it reads (arXiv:2604.08271); an oracle's
features tell an unseen class apart, too, so the number means nothing without the oracle's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from pydantic import Field
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from unlearn_cli.data.rows import spread
from unlearn_cli.evaluation.hidden.base import Found, Inspection, Subject
from unlearn_cli.evaluation.hidden.features import check_has_features, last_read

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

ITERATIONS = 1000


class Probe(Inspection):
    """A logistic regression and the nearest neighbours, on standardised features of training samples.

    `_rows`, unless whole classes are forgotten: they learn the classes of retained samples, and name those of
    the forget samples. `_class`, where a class or a domain is wholly forgotten: they learn to tell its
    training samples from the retained ones, and are asked of test samples.
    """

    name: ClassVar[str] = "probe"

    neighbours: int = Field(gt=0, description="nearest neighbours that vote, by Euclidean distance")
    rows: int = Field(gt=1, description="samples of each side at most, evenly spread")

    def check(self, origins: Origins, model: nn.Module) -> None:
        check_has_features(model, "eval.hidden: probe")

    def inspect(self, subject: Subject) -> Found:
        sets, labels = subject.origins.sets, subject.origins.data.labels
        found: dict[str, float] = {}
        forget, retain = (spread(rows, self.rows) for rows in (sets.forget, sets.retain))
        seen = self._features(subject, np.concatenate([forget, retain]))
        of_forget, of_retain = seen[: len(forget)], seen[len(forget) :]
        if not sets.classes:
            answers = self._answers(of_retain, labels[retain], of_forget)
            found |= {f"{name}_rows": _percent(answer == labels[forget]) for name, answer in answers.items()}
        if len(sets.test_forgotten):
            parts = [spread(rows, self.rows) for rows in (sets.test_forgotten, sets.test)]
            has, truth = (np.repeat([1, 0], list(map(len, both))) for both in ((forget, retain), parts))
            answers = self._answers(seen, has, self._features(subject, np.concatenate(parts)))
            found |= {
                f"{name}_class": 100 * float(balanced_accuracy_score(truth, answer))
                for name, answer in answers.items()
            }
        return Found(found, {})

    def _answers(self, known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> dict[str, np.ndarray]:
        """What each classifier says of the features `asked`, having learnt from the known ones."""
        if len(np.unique(labels)) < 2:
            return {name: np.full(len(asked), labels[0]) for name in ("probe", "knn")}
        mean, deviation = known.mean(0), known.std(0) + 1e-6
        known, asked = (known - mean) / deviation, (asked - mean) / deviation
        classifiers = {
            "probe": LogisticRegression(max_iter=ITERATIONS, class_weight="balanced"),
            "knn": KNeighborsClassifier(min(self.neighbours, len(known))),
        }
        return {name: one.fit(known, labels).predict(asked) for name, one in classifiers.items()}

    def _features(self, subject: Subject, rows: np.ndarray) -> np.ndarray:
        """(n, D) float64."""
        batches = subject.origins.trainer(subject.folder).batches(rows)
        return torch.cat([last_read(subject.model, batch.x).cpu() for batch in batches]).double().numpy()


def _percent(right: np.ndarray) -> float:
    return 100 * float(right.mean())
