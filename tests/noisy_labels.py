"""Data whose test rows have other labels, under the same fingerprint: whatever reads them comes to light."""

from collections.abc import Callable
from typing import Any

import numpy as np


def with_noise(split: Callable[..., Any]) -> Callable[..., Any]:
    """As `split` does, and then each test row has the label of another image."""

    def noisy(data: Any, *arguments: Any) -> Any:
        splits = split(data, *arguments)
        labels = data.labels.copy()
        labels[splits.test] = np.roll(labels[splits.test], getattr(data, "each", 1))
        assert (labels != data.labels).any()
        data.labels = labels
        return splits

    return noisy
