"""Unlearning, remaining, test and validation accuracy (SalUn, arXiv:2310.12508, section 5.1)."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.logits import correct


def accuracy(logits: Tensor, labels: np.ndarray, sets: Sets) -> dict[str, float]:
    """UA = 100 − acc(D_f), RA, TA and, where there are rows of their own, VA and TA_forget; all in percent.

    logits (N, C) and labels (N,) span the data set's row space.
    """
    values = {"UA": 100 - percent(logits, labels, sets.forget)}
    rows = {"RA": sets.retain, "TA": sets.test, "VA": sets.spare_val, "TA_forget": sets.test_forgotten}
    return values | {name: percent(logits, labels, part) for name, part in rows.items() if len(part)}


def percent(logits: Tensor, labels: np.ndarray, rows: np.ndarray) -> float:
    """Accuracy over `rows` in percent."""
    return 100 * float(correct(logits, labels, rows).mean())


def per_class(logits: Tensor, labels: np.ndarray, rows: np.ndarray, classes: int) -> np.ndarray:
    """Accuracy of each class over `rows` in percent, (classes,); NaN for a class that has no row."""
    right = np.bincount(labels[rows], weights=correct(logits, labels, rows), minlength=classes)
    count = np.bincount(labels[rows], minlength=classes)
    return 100 * np.divide(right, count, out=np.full(classes, np.nan), where=count > 0)


def accuracy_by_class(
    logits: Tensor, labels: np.ndarray, rows: np.ndarray, classes: Sequence[str]
) -> dict[str, float]:
    """`per_class` by the classes' names."""
    return dict(zip(classes, per_class(logits, labels, rows, len(classes)).tolist(), strict=True))
