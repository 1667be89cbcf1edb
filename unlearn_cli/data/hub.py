"""Any image data set that `datasets` can open: a hub name, parquet files, a folder per class."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import datasets
import numpy as np
import pyarrow as pa
from pydantic import Field

from unlearn_cli.data import prepared
from unlearn_cli.data.columns import labels_of
from unlearn_cli.data.images import ImageData, Resident
from unlearn_cli.data.names import listed, unknown
from unlearn_cli.data.settings import DataSettings
from unlearn_cli.data.source import Source
from unlearn_cli.data.streaming import Decoder, Streaming
from unlearn_cli.errors import InputError

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store

log = logging.getLogger("unlearn")


class HubImages(DataSettings):
    """Images and labels in named columns. Everything else comes from the data."""

    determines: ClassVar[frozenset[str]] = frozenset(
        ("image_column", "label_column", "train_split", "test_split", "size", "resident", "skip_unreadable")
    )
    """Fields that decide what a store entry holds, beside the source."""

    path: str | None = Field(description="hub name, folder of parquet files or class folders, parquet file")
    config: str | None = Field(description="the hub's name of a subset; null: its default")
    image_column: str = Field(description="column that holds the images; of class folders it is `image`")
    label_column: str = Field(
        description="column whose values are the classes; of class folders it is `label`"
    )
    train_split: str = Field(
        description="the data's name of the split whose rows train, validate and are forgotten"
    )
    test_split: str | None = Field(description="null: hold out test_fraction of the train split")
    size: int | None = Field(gt=0, description="scale, centre-crop to this many pixels; null: as they are")
    resident: Literal["auto"] | bool = Field(description="decode once, keep on the device; auto: up to 4 GiB")
    workers: int = Field(ge=0, description="decoding processes, at most one per CPU")
    skip_unreadable: bool = Field(description="leave out images that cannot be read; false: refuse the data")

    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        source = Source.find(self.name, self.path, self.config, root)
        facts = {
            "source": source.identity(),
            "held_out": None if self.test_split else [self.test_fraction, self.split_seed],
            **self.model_dump(include=set(self.determines)),
        }

        def make(folder: Path) -> None:
            if store.world.is_main:
                prepared.prepare(folder, *self._table(source), self)

        data = prepared.read(store.get("data", facts, make))
        if gone := data.facts.left_out:
            log.warning("data: %d images cannot be read and are left out: %s", len(gone), listed(gone, 3))
        known: dict[str, Any] = {
            "name": self.name,
            "classes": data.facts.classes,
            "labels": data.labels,
            "columns": data.columns,
            "train_rows": self.take_subset(np.arange(data.facts.train), data.labels),
            "test_rows": np.arange(data.facts.train, len(data.labels)),
            "mean": self.mean or data.facts.mean,
            "std": self.std or data.facts.std,
            "channels": data.facts.channels,
            "size": data.facts.size,
            "fingerprint": data.facts.fingerprint,
            "augment": self.augment,
            "device": compute.device,
        }
        if data.pixels is not None:
            return Resident(tensor=data.pixels.to(compute.device), **known)
        table, _ = self._table(source)
        if data.readable_rows is not None:
            table = table.select(data.readable_rows)
        fit = self.size is not None
        decoder = Decoder(table, self.image_column, data.facts.channels, data.facts.size, fit)
        return Streaming(decoder=decoder, workers=self.workers, **known)

    def _table(self, source: Source) -> tuple[datasets.Dataset, int]:
        """All rows, official train rows first, and how many those are."""
        train, test = self._splits(source)
        for key in ("image_column", "label_column"):
            if getattr(self, key) not in train.column_names:
                raise unknown(f"data.{key}", "column", getattr(self, key), train.column_names)
        train = self._images(train)
        if test is None:
            first, held_out = self.hold_out_test(self._strata(train))
            return train.select(np.concatenate([first, held_out])), len(first)
        test = self._images(test)
        shared = [name for name in train.column_names if name in test.column_names]
        parts = [part.select_columns(shared) for part in (train, test)]
        return datasets.concatenate_datasets(parts), len(train)

    def _splits(self, source: Source) -> tuple[datasets.Dataset, datasets.Dataset | None]:
        """The train rows and the test rows; None: a part of the former is to be held out."""
        return source.read(self.train_split, self.test_split)

    def _strata(self, table: datasets.Dataset) -> np.ndarray:
        """(N,) groups of each of which the same share is held out as test rows."""
        return labels_of(table, self.label_column)[0]

    def _images(self, table: datasets.Dataset) -> datasets.Dataset:
        """The image column as images, however the file declares it."""
        try:
            return table.cast_column(self.image_column, datasets.Image())
        except (TypeError, ValueError, pa.ArrowException) as error:
            feature = table.features[self.image_column]
            raise InputError(
                f"data.image_column: '{self.image_column}' holds {feature}, not images; "
                f"the columns are {', '.join(table.column_names)}"
            ) from error
