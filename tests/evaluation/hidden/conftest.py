import pytest
from planted import Planted


@pytest.fixture
def planted(tmp_path):
    """Class 0 is forgotten."""
    return Planted(tmp_path)


@pytest.fixture
def planted_rows(tmp_path):
    """Rows of all classes are forgotten."""
    return Planted(tmp_path, whole=False)
