"""Any image data set that `datasets` can open: a hub name, parquet files, a folder per class."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import datasets
import numpy as np
import pyarrow as pa
from pydantic import Field

from unlearn_cli.config.classes import is_own
from unlearn_cli.config.settings import kind_facts
from unlearn_cli.data import prepared
from unlearn_cli.data.columns import labels_of
from unlearn_cli.data.files import with_files
from unlearn_cli.data.geometry import Fitted, Geometry, Preprocessing
from unlearn_cli.data.image_table import ImageTable, joined
from unlearn_cli.data.images import ImageData, Resident
from unlearn_cli.data.names import listed, unknown
from unlearn_cli.data.settings import DataSettings
from unlearn_cli.data.source import Parts, Source
from unlearn_cli.data.split_names import AUTO
from unlearn_cli.data.streaming import Decoder, Streaming
from unlearn_cli.errors import InputError

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store

log = logging.getLogger("unlearn")


class HubImages(DataSettings):
    """Images and labels in named columns. Everything else comes from the data."""

    determines: ClassVar[frozenset[str]] = frozenset(
        (
            *("image_column", "label_column", "train_split", "val_split", "test_split"),
            *("size", "resident", "skip_unreadable"),
        )
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
    val_split: str | None = Field(
        description="null: val_fraction of the train split; auto: the data's own where there is one"
    )
    test_split: str | None = Field(
        description="null: hold out test_fraction of the train split; auto: the data's own test or "
        "validation split where there is one"
    )
    size: int | None = Field(
        gt=0,
        description="scale, centre-crop to this many pixels; null: as they are. A ready-made CLIP or VLM has "
        "preprocessing of its own",
    )
    resident: Literal["auto"] | bool = Field(description="decode once, keep on the device; auto: up to 4 GiB")
    workers: int = Field(ge=0, description="decoding processes, at most one per CPU")
    skip_unreadable: bool = Field(description="leave out images that cannot be read; false: refuse the data")
    duplicates: Literal["warn", "drop", "allow"] = Field(
        description="images with exactly the same content: told, left out but for the first, or neither"
    )

    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        return self._loaded(root, store, compute, None)

    def load_for(
        self, preprocessing: Preprocessing, root: Path | None, store: Store, compute: Compute
    ) -> ImageData:
        return self._loaded(root, store, compute, preprocessing)

    def _loaded(
        self, root: Path | None, store: Store, compute: Compute, preprocessing: Preprocessing | None
    ) -> ImageData:
        source = Source.find(self.name, self.path, self.config, root)
        facts = {
            "source": source.identity(),
            **({} if is_own(type(self).__module__) else {"kind": kind_facts(self)}),
            "held_out": [self.test_fraction, self.split_seed] if self.test_split in (None, AUTO) else None,
            "single": self.duplicates == "drop",
            **self.model_dump(include=set(self.determines)),
            **({"size": None, "preprocessing": preprocessing.facts()} if preprocessing else {}),
        }

        def make(folder: Path) -> None:
            if store.world.is_main:
                prepared.prepare(folder, self._table(source), self, facts["source"], preprocessing)

        data = prepared.read(store.get("data", facts, make))
        self._tell(data.facts)
        if preprocessing and self.size not in (None, data.facts.size[0]):
            height, width = data.facts.size
            made = f"images of {width} x {height} pixels (data.size={self.size})"
            log.info("data: the model's own preprocessing makes %s", made)
        ends = np.cumsum([data.facts.train, data.facts.val])
        given = {"mean": self.mean, "std": self.std}
        own: dict[str, Any] = {key: value for key, value in given.items() if value}
        if preprocessing:  # which makes grey images such of three channels
            own = {key: value * 3 if len(value) == 1 else value for key, value in own.items()}
        grey_in_colour = data.facts.channels == 1 and any(len(value) == 3 for value in own.values())
        known: dict[str, Any] = {
            "name": self.name,
            "classes": data.facts.classes,
            "labels": data.labels,
            "columns": data.columns,
            "train_rows": self.take_subset(np.arange(data.facts.train), data.labels),
            "val_rows": np.arange(*ends) if data.facts.val else None,
            "test_rows": np.arange(ends[1], len(data.labels)),
            "copies": data.copies if self.duplicates == "warn" else None,
            "mean": data.facts.mean,
            "std": data.facts.std,
            "channels": data.facts.channels,
            "size": data.facts.size,
            "fingerprint": data.facts.fingerprint,
            "augment": self.augment,
            "device": compute.device,
            **({} if grey_in_colour else own),
        }
        geometry = preprocessing or Fitted(data.facts.channels, self.size)
        images = self._images_in_place(data, source, geometry, known)
        return replace(images.in_colour(), **own) if grey_in_colour else images

    def _images_in_place(
        self, data: prepared.Prepared, source: Source, geometry: Geometry, known: dict[str, Any]
    ) -> ImageData:
        if data.pixels is not None:
            return Resident(tensor=data.pixels.to(known["device"]), **known)
        table = self._table(source).rows
        if data.kept_rows is not None:
            table = table.select(data.kept_rows)
        shape = (data.facts.channels, *data.facts.size)
        decoder = Decoder(table, self.image_column, geometry, shape)
        return Streaming(decoder=decoder, workers=self.workers, **known)

    def _tell(self, facts: prepared.Facts) -> None:
        for note in facts.notes:
            log.info("data: %s", note)
        if gone := facts.left_out:
            log.warning("data: %d images cannot be read and are left out: %s", len(gone), listed(gone, 3))
        if facts.copied and self.duplicates == "drop":
            log.warning("data: %s; one of each is left", facts.copied)
        elif facts.copied and self.duplicates == "warn":
            log.warning("data: %s; data.duplicates=drop leaves one of each, allow says nothing", facts.copied)

    def _table(self, source: Source) -> ImageTable:
        """All rows. InputError if a column that is asked for is missing in one of the splits."""
        parts = self._parts(source)
        held = {"train": parts.train, "val": parts.val, "test": parts.test}
        tables = {part: table for part, table in held.items() if table is not None}
        for table in tables.values():
            for key in ("image_column", "label_column"):
                if getattr(self, key) not in table.column_names:
                    raise unknown(f"data.{key}", "column", getattr(self, key), table.column_names)
        images = {part: self._images(table, source) for part, table in tables.items()}
        rows = joined(images, self.image_column, self.label_column)
        train, val = len(parts.train), len(parts.val or ())
        if parts.test is None:
            first, held_out = self.hold_out_test(self._strata(rows.select(range(train))))
            rows = rows.select(np.concatenate([first, np.arange(train, train + val), held_out]))
            train = len(first)
        return ImageTable(rows, train, val, parts.notes)

    def _parts(self, source: Source) -> Parts:
        """The data's own splits."""
        return source.read(self.train_split, self.val_split, self.test_split)

    def _strata(self, table: datasets.Dataset) -> np.ndarray:
        """(N,) groups of each of which the same share is held out as test rows."""
        return labels_of(table, self.label_column)[0]

    def _images(self, table: datasets.Dataset, source: Source) -> datasets.Dataset:
        """The image column as images, however the file declares it."""
        try:
            table = table.cast_column(self.image_column, datasets.Image())
        except (TypeError, ValueError, pa.ArrowException) as error:
            feature = table.features[self.image_column]
            raise InputError(
                f"data.image_column: '{self.image_column}' holds {feature}, not images; "
                f"the columns are {', '.join(table.column_names)}"
            ) from error
        return with_files(table, self.image_column, source.folder)
