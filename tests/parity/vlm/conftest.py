"""The tiny problem, as a fixture."""

from pathlib import Path

import pytest
from tiny_vlm import TinyProblem


@pytest.fixture
def tiny(tmp_path: Path) -> TinyProblem:
    return TinyProblem(tmp_path)
