"""The tiny problem that these methods are tried on."""

import pytest
from tiny_vlm import TinyProblem


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)
