"""Passes on end, cut into epochs of so many steps."""

import numpy as np
import pytest

from unlearn_cli.data.feeds import shuffled, stretches


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 7, 11])
def test_they_are_the_passes_on_end(steps):
    feed = shuffled(np.arange(10))
    passes = [batch.tolist() for epoch in range(12) for batch in feed(epoch, 4, 0)]  # 3 steps each
    cut = stretches(feed, steps)
    parts = [cut(epoch, 4, 0) for epoch in range(36 // steps)]
    assert all(len(part) == steps for part in parts)
    found = [batch.tolist() for part in parts for batch in part]
    assert found == passes[: len(found)]


def test_of_no_rows_there_are_no_steps():
    assert stretches(shuffled(np.arange(0)), 3)(0, 4, 0) == []
