"""What every data set's configuration has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.brought import brought
from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.images import ImageData, Resident
from unlearn_cli.data.rows import stratified
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.seeding import rng

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store

Level = Annotated[float, Field(ge=0, le=1)]
Spread = Annotated[float, Field(ge=0.001, le=1)]
"""A fourth of a grey level at least; less would be no picture."""


class DataSettings(Settings, ABC):
    """Fields that every data set has; `load` gives the images."""

    name: str = Field(description="name in tables and folders; `<paths.data>/<name>` is looked at first")
    split_seed: int = Field(ge=0, description="draws validation rows (and test rows where there are none)")
    val_fraction: float = Field(ge=0, lt=1, description="part of each class's official train rows")
    test_fraction: float = Field(gt=0, lt=1, description="part of each class, where no test split is given")
    subset: float | None = Field(gt=0, le=1, description="use this part of the train rows alone; null: all")
    augment: Augment
    mean: tuple[Level, ...] | None = Field(
        min_length=1, description="per channel, of [0, 1] pixels; null: the train rows'"
    )
    std: tuple[Spread, ...] | None = Field(
        min_length=1, description="per channel, of [0, 1] pixels; null: the train rows'"
    )

    @abstractmethod
    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        """The images. `root`: folder of local copies, looked at first. InputError: data that will not do."""

    def load_for(
        self, preprocessing: Preprocessing, root: Path | None, store: Store, compute: Compute
    ) -> ImageData:
        """As `load`, in the form that a ready-made model's own preprocessing gives them."""
        return brought(self.load(root, store, compute), preprocessing)

    def hold_out_test(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(train, test) rows of data that come as one split of labels (N,)."""
        rows = np.arange(len(labels))
        test = stratified(rows, labels, self.test_fraction, rng("test", self.split_seed))
        train = np.setdiff1d(rows, test)
        if len(np.unique(labels[train])) < len(np.unique(labels)):
            raise InputError(
                f"data.test_fraction: {self.test_fraction} leaves no row of some class to train on; give a "
                "smaller part"
            )
        return train, test

    def in_memory(
        self,
        tensor: Tensor,
        labels: np.ndarray,
        classes: list[str],
        columns: dict[str, list[str]],
        compute: Compute,
    ) -> Resident:
        """Images (N, C, H, W) uint8 that come as one split, on the device; the test rows are put last."""
        train, test = self.hold_out_test(labels)
        order = np.concatenate([train, test])
        labels = labels[order].astype(np.int64)
        return Resident.of(
            tensor[torch.from_numpy(order)],
            labels,
            name=self.name,
            classes=classes,
            columns={name: np.array(column, dtype=object)[order] for name, column in columns.items()},
            train_rows=self.take_subset(np.arange(len(train)), labels),
            test_rows=np.arange(len(train), len(order)),
            augment=self.augment,
            mean=self.mean,
            std=self.std,
            device=compute.device,
        )

    def take_subset(self, train: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """The train rows to use."""
        if self.subset is None:
            return train
        rows = stratified(train, labels, self.subset, rng("subset", self.split_seed))
        if not len(rows):
            raise InputError(
                f"data.subset: {self.subset} of {len(train)} train rows is none; give a larger part"
            )
        return rows
