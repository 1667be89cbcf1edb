"""The folder of a tiny pipeline, and copies of it."""

import shutil

import pytest
from tiny_pipeline import saved


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("pipelines") / "pipe")


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the folder, to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")
