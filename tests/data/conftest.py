"""Small data sets on disk, read through `datasets` with a cache of their own."""

import datasets
import numpy as np
import pytest
from hub_settings import HUB, PETS
from PIL import Image

from unlearn_cli.data.hub import HubImages
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.store import Store

CPU = Compute("cpu", "fp32", False, False)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


@pytest.fixture
def noise():
    """noise(n, size): n different colour images."""

    def make(count, size=(6, 5), channels=3, seed=0):
        shape = (count, *size, channels) if channels > 1 else (count, *size)
        pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        return [Image.fromarray(image) for image in pixels]

    return make


@pytest.fixture
def write(tmp_path):
    """write(split, columns, features): a parquet shard in the folder that it returns."""

    def write_split(split, columns, features, folder="pictures"):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
        table.to_parquet(place / f"{split}-00000-of-00001.parquet")
        return place

    return write_split


@pytest.fixture
def load(tmp_path):
    """load(path, **changes): the images of a folder, by a configuration like the YAML's."""

    def load_images(path, root=None, **changes):
        values = HUB | {"path": None if path is None else str(path)} | changes
        return HubImages(**values).load(root, Store(tmp_path / "store"), CPU)

    return load_images


@pytest.fixture
def pets(noise, write):
    """12 train and 6 test images in parquet shards, PNG inside."""
    write("train", {"image": noise(12), "label": [0, 1, 2] * 4}, PETS)
    return write("test", {"image": noise(6, seed=1), "label": [2, 1, 0] * 2}, PETS)


@pytest.fixture
def one_split(noise, write):
    return write("train", {"image": noise(40), "label": [0, 1] * 20}, PETS)
