"""Mem, For and H: what is kept, what is forgotten, and both (ADU, NeurIPS 2025; after BBF, NeurIPS 2024)."""

import numpy as np

from unlearn_cli.data.splits import Sets


def memorized_and_forgotten(right: np.ndarray, sets: Sets, labels: np.ndarray) -> dict[str, float]:
    """In percent; `right` (N,) bool, whether each row is recognised.

    Mem: test images to be kept that are recognised; For: test images to be forgotten that are not, each
    pooled over all their domains; H: their harmonic mean. Classes that no method has seen (labels (N,)) are
    told apart, as Mem_unseen and For_unseen, and are in none of the three.
    """
    visible = np.unique(labels[np.concatenate([sets.forget, sets.retain])])
    kept, to_forget = (rows[np.isin(labels[rows], visible)] for rows in (sets.test, sets.test_forgotten))
    mem, forgotten = 100 * float(right[kept].mean()), 100 - 100 * float(right[to_forget].mean())
    found = {"Mem": mem, "For": forgotten, "H": harmonic(mem, forgotten)}
    unseen = [np.setdiff1d(sets.test, kept), np.setdiff1d(sets.test_forgotten, to_forget)]
    if all(len(rows) for rows in unseen):
        found["Mem_unseen"] = 100 * float(right[unseen[0]].mean())
        found["For_unseen"] = 100 - 100 * float(right[unseen[1]].mean())
    return found


def harmonic(a: float, b: float) -> float:
    """2ab/(a + b); 0 where both are."""
    return 2 * a * b / (a + b) if a + b else 0.0
