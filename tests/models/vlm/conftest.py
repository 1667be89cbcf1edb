import shutil

import pytest
from tiny_vlm_folders import llava_folder, mllama_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return llava_folder(tmp_path_factory.mktemp("models") / "llava")


@pytest.fixture(scope="module")
def mllama(tmp_path_factory):
    return mllama_folder(tmp_path_factory.mktemp("models") / "mllama")


@pytest.fixture
def copy(folder, tmp_path):
    """A copy of the LLaVA folder, to be damaged."""
    return shutil.copytree(folder, tmp_path / "copy")
