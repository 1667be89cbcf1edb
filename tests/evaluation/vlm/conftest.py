import pytest
from seeing_models import run_on_test_images


@pytest.fixture
def run(tmp_path):
    """A run on the test images 12 to 15 (red circle, red square, blue circle, blue square; rows 36 to 47)."""
    return run_on_test_images(tmp_path)
