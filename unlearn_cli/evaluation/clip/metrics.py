"""What embeddings of images and texts tell about a CLIP beside its zero-shot answers; all in percent."""

import numpy as np
from torch import Tensor

from unlearn_cli.data.rows import spread
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.probes import few_shots, linear_probe

PROBED = 10_000
"""Train rows at most that the linear probe learns from."""


def template_metrics(features: Tensor, templates: Tensor, labels: np.ndarray, sets: Sets) -> dict[str, float]:
    """`Mem_templates` and `For_templates`: Mem and For by other texts, the mean over these.

    features: (N, E) of images; templates: (T, C, E) of each text of each class; labels: (N,).
    """
    answers = [(features @ texts.T).argmax(1).numpy() for texts in templates]
    right = np.stack([answer == labels for answer in answers])
    return {
        "Mem_templates": 100 * float(right[:, sets.test].mean()),
        "For_templates": 100 - 100 * float(right[:, sets.test_forgotten].mean()),
    }


def retrieval_metrics(features: Tensor, captions: Tensor, own: np.ndarray, sets: Sets) -> dict[str, float]:
    """`R1_retain` and `R1_forget`: test images whose own caption is the nearest.

    captions: (K, E); own: (N,) the number of each image's.
    """
    retrieved = (features @ captions.T).argmax(1).numpy() == own
    return {
        "R1_retain": 100 * float(retrieved[sets.test].mean()),
        "R1_forget": 100 * float(retrieved[sets.test_forgotten].mean()),
    }


def probe_metrics(features: np.ndarray, labels: np.ndarray, sets: Sets) -> dict[str, float]:
    """`probe_forget` and `relearn_forget`: forgotten test images that simple classifiers still recognise."""
    # of whole classes: told from those that stay
    shots = np.concatenate([sets.forget, sets.retain]) if sets.classes else sets.forget
    learnt = spread(sets.train, PROBED)
    return {
        "probe_forget": linear_probe(features, labels, learnt, sets.test_forgotten),
        "relearn_forget": few_shots(features, labels, shots, sets.test_forgotten),
    }
