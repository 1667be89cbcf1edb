"""KLOM: how far the margins of unlearned models are distributed from those of oracles, row by row.

Georgiev et al. 2024 (arXiv:2410.23232); binned as by EasyDUB (arXiv:2602.16400, easydub/eval.py).
"""

from collections.abc import Mapping

import numpy as np

from unlearn_cli.evaluation.membership.game import bounded

MOST_BINS = 20
MODELS_A_BIN = 5
LEAST_MODELS = 10
"""In either pool: fewer are far apart by chance alone (docs/attacks/klom.md)."""
LEAST_SHARE = 1e-5
"""Of the oracles in a bin where unlearned models are and no oracle is."""


def klom(unlearned: np.ndarray, oracles: np.ndarray) -> np.ndarray:
    """(N,) KL(unlearned ‖ oracle) in nats of the histograms of each row's margins.

    unlearned (S, N) and oracles (T, N): margins φ of models that differ by their seeds alone. A row's bins
    span all margins that it has: 20, fewer where that would leave under five models to a bin.
    """
    bins = max(2, min(MOST_BINS, min(len(unlearned), len(oracles)) // MODELS_A_BIN))
    unlearned, oracles = bounded(unlearned), bounded(oracles)
    lowest = np.minimum(unlearned.min(axis=0), oracles.min(axis=0))
    width = np.maximum(unlearned.max(axis=0), oracles.max(axis=0)) - lowest
    width[width == 0] = 1

    def shares(values: np.ndarray) -> np.ndarray:
        """(bins, N)"""
        places = np.minimum((values - lowest) / width * bins, bins - 1).astype(int)
        return (places[:, None] == np.arange(bins)[:, None]).mean(axis=0)

    ours, theirs = shares(unlearned), np.maximum(shares(oracles), LEAST_SHARE)
    logs = np.log(np.where(ours > 0, ours, 1) / theirs)
    return (ours * logs).sum(axis=0)


def klom_metrics(values: np.ndarray, parts: Mapping[str, np.ndarray]) -> dict[str, float]:
    """KLOM_<part>, the mean of a part's rows, and KLOM_95_<part>, their 95th percentile; empty parts not."""
    metrics = {}
    for part, rows in parts.items():
        if len(rows):
            metrics[f"KLOM_{part}"] = float(values[rows].mean())
            metrics[f"KLOM_95_{part}"] = float(np.percentile(values[rows], 95))
    return metrics
