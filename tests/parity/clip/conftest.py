"""The tiny problem, as a fixture, and the one way of comparing an adapter's training."""

from pathlib import Path

import pytest
from tiny_clip import TinyProblem


@pytest.fixture
def tiny(tmp_path: Path) -> TinyProblem:
    return TinyProblem(tmp_path)
