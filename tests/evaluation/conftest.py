"""Sets over a small row space, for logits written by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from unlearn_cli.data.splits import Sets


@pytest.fixture
def make_sets() -> Callable[..., Sets]:
    """Sets from lists of rows: make_sets(forget=[0], retain=[1, 2], test=[3])."""

    def make(**parts: list[int] | np.ndarray) -> Sets:
        names = ("forget", "retain", "val", "test", "test_forgotten")
        rows = {name: np.asarray(parts.get(name, []), dtype=np.int64) for name in names}
        train = np.sort(np.concatenate([rows["forget"], rows["retain"]]))
        return Sets(train=train, classes=(), split="s", fingerprint="f", **rows)

    return make
