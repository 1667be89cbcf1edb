"""What an oracle would recognise that nobody has trained."""

from collections.abc import Mapping

import numpy as np
from torch import Tensor

from unlearn_cli.config.protocols import lacking
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.accuracy import per_class
from unlearn_cli.tasks.verbs.base import Predicts

FORGETTING = {"clip": "For", "vlm": "UA_direct"}
"""By task the metric that says what percentage to be forgotten is not recognised; of others UA."""


def forgetting(task: str) -> str:
    """That metric, of the task of that name."""
    return FORGETTING.get(task, "UA")


def is_expected(task: object, sets: Sets, labels: np.ndarray) -> bool:
    """Whether it is known: not of whole domains, nor of classes without validation rows."""
    if is_whole(sets, labels):
        return True
    seen_elsewhere = bool(np.isin(labels[sets.forget], labels[sets.val]).any())
    return seen_elsewhere and not len(sets.test_forgotten) and not lacking(task, Predicts)


def expected_forgetting(sets: Sets, labels: np.ndarray, logits: Tensor) -> float:
    """Percent of the forget set that a model should not recognise which has not seen it.

    The original's error on validation rows, which it has not seen either, each class weighed as it is in the
    forget set: the reference point of SCRUB+R (Kurmanji et al., NeurIPS 2023), which takes it of the
    unlearned model.

    Args:
        sets: not of whole classes or concepts, of which an oracle learns nothing and the answer is 100.
        labels: (N,) of all rows. logits: (N, C), the original's.
    """
    by_class = per_class(logits, labels, sets.val, logits.shape[1])
    return 100 - float(np.nanmean(by_class[labels[sets.forget]]))


def expected_metrics(original: Mapping[str, float], task: str, forgotten: float) -> dict[str, float]:
    """What stands in for an oracle's metrics: the original's, but for what is not recognised."""
    return {**original, forgetting(task): forgotten}


def is_whole(sets: Sets, labels: np.ndarray) -> bool:
    """Whether whole classes, or concepts, are to be forgotten."""
    return bool(sets.concepts) or bool(np.isin(labels[sets.forget], sets.classes).all())
