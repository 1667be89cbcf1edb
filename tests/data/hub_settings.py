"""Data that are read through `datasets`: the keys, as a YAML gives them, and the columns of a small set."""

from typing import Any

from datasets import ClassLabel, Image

PETS = {"image": Image(), "label": ClassLabel(names=["cat", "dog", "eel"])}

HUB: dict[str, Any] = {
    "name": "pictures",
    "config": None,
    "image_column": "image",
    "label_column": "label",
    "train_split": "train",
    "val_split": None,
    "test_split": None,
    "split_seed": 0,
    "val_fraction": 0.1,
    "test_fraction": 0.25,
    "subset": None,
    "size": None,
    "augment": {"crop_padding": 1, "flip": True, "random_resized": False},
    "mean": None,
    "std": None,
    "resident": "auto",
    "workers": 0,
    "skip_unreadable": False,
    "duplicates": "warn",
}
