"""The small problem, as a fixture."""

from pathlib import Path

import pytest

from parity.classification.small import Small


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


@pytest.fixture
def two_classes(tmp_path: Path) -> Small:
    """With two classes another label than the true one is the other one."""
    return Small(tmp_path, classes=2)
