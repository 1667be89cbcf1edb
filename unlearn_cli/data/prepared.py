"""A data set read once: what a store entry of kind `data` holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Protocol

import datasets
import numpy as np
import pyarrow.parquet as pq
import torch
from rich.progress import track
from torch import Tensor

from unlearn_cli.data.columns import labels_of, plain_columns
from unlearn_cli.data.copies import of_files, of_pixels, told
from unlearn_cli.data.geometry import Fitted, Geometry, Preprocessing
from unlearn_cli.data.image_table import ImageTable
from unlearn_cli.data.images import channel_statistics
from unlearn_cli.data.names import listed
from unlearn_cli.data.rows import digest
from unlearn_cli.data.streaming import Decoder, Readable, decoded, image_name, read_images
from unlearn_cli.runtime.progress import console
from unlearn_cli.storage.files import read_json, write_json

RESIDENT_BYTES = 4 * 2**30
"""Decoded data up to this size are kept under `resident: auto`."""
SAMPLE = 512
"""Evenly spaced train rows that stand for all: shape, greyness and, if streamed, statistics and hash."""
CHUNK = 1000
"""Images decoded at a time."""


class Reading(Protocol):
    """How a table of images is to be read; fields as in `HubImages`."""

    @property
    def image_column(self) -> str: ...

    @property
    def label_column(self) -> str: ...

    @property
    def size(self) -> int | None: ...

    @property
    def resident(self) -> Literal["auto"] | bool: ...

    @property
    def workers(self) -> int: ...

    @property
    def skip_unreadable(self) -> bool: ...

    @property
    def duplicates(self) -> Literal["warn", "drop", "allow"]: ...


@dataclass(frozen=True)
class Facts:
    """What is known of a data set once it has been read."""

    classes: list[str]
    train: int
    """The first so many rows are the official training part."""
    val: int
    """The next so many are the official validation part; 0: there is none."""
    channels: int
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fingerprint: str
    left_out: list[str]
    """Images that cannot be read, by name; `data.skip_unreadable`."""
    copied: str | None
    """How many images are there more than once, and where; None: none."""
    notes: list[str]
    """What a person should know of what was read, and what not."""


@dataclass(frozen=True)
class Prepared:
    """A store entry, read back."""

    facts: Facts
    labels: np.ndarray
    columns: dict[str, np.ndarray]
    pixels: Tensor | None
    """uint8 (N, C, H, W), or None if the images are streamed."""
    copies: np.ndarray
    """(N,) int64: for each row the first one with exactly the same image."""
    kept_rows: np.ndarray | None
    """The table's rows that are left; None: all."""


def prepare(
    folder: Path, images: ImageTable, settings: Reading, source: str, preprocessing: Preprocessing | None
) -> None:
    """Read all images and write the entry into `folder`.

    source: tells where they come from by its content, as of streamed images only a sample is decoded.
    preprocessing: a ready-made model's own; None: as `settings.size` says.
    """
    column, workers = settings.image_column, settings.workers
    left_out: list[str] = []
    kept = np.arange(total := len(images.rows))
    if settings.skip_unreadable:
        readable = _readable(images.rows, column, workers)
        left_out = [image_name(images.rows, column, int(row)) for row in np.flatnonzero(~readable)]
        kept = np.flatnonzero(readable)
        images = images.select(kept)
    table, train = images.rows, images.train
    labels, classes = labels_of(table, settings.label_column)
    sample = np.linspace(0, train - 1, min(train, SAMPLE)).round().astype(np.int64)
    geometry: Geometry = preprocessing or Fitted(_channels(table, column, sample), settings.size)
    (first,) = read_images(table, column, [int(sample[0])])
    channels, height, width = geometry(first).shape
    decoder = Decoder(table, column, geometry, (channels, height, width))
    shape = (len(labels), channels, height, width)
    resident = settings.resident
    if resident == "auto":
        resident = int(np.prod(shape)) <= RESIDENT_BYTES
    if resident:
        pixels = torch.empty(shape, dtype=torch.uint8)
        for rows, x in _all(decoder, workers, "decoding images"):
            pixels[rows[0] : rows[-1] + 1] = x
        copies = of_pixels(pixels)
    else:
        (pixels,) = decoded(decoder, [sample], workers=0)
        copies = of_files(table, column)
    copied = told(copies, labels, images.part)
    if copied and settings.duplicates == "drop":
        single = np.flatnonzero(copies == np.arange(len(copies)))
        images, labels, kept = images.select(single), labels[single], kept[single]
        pixels = pixels[single] if resident else pixels
        copies = np.arange(len(single))
    mean, std = channel_statistics(pixels[: images.train] if resident else pixels)
    if resident:
        np.save(folder / "pixels.npy", pixels.numpy())
    if len(kept) < total:
        np.save(folder / "kept.npy", kept)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "copies.npy", copies)
    pq.write_table(plain_columns(images.rows), folder / "columns.parquet")
    untaught = sorted(set(labels[images.part > 0]) - set(labels[images.part == 0]))
    notes = [f"without a training row: class {listed(classes[one] for one in untaught)}"] if untaught else []
    facts = Facts(
        classes=classes,
        train=images.train,
        val=images.val,
        channels=channels,
        size=(height, width),
        mean=mean,
        std=std,
        fingerprint=digest(pixels.numpy(), labels, *([] if resident else [source])),
        left_out=left_out,
        copied=copied,
        notes=[*images.notes, *notes],
    )
    write_json(folder / "facts.json", asdict(facts))


def read(entry: Path) -> Prepared:
    """What `prepare` wrote."""
    facts = read_json(entry / "facts.json")
    facts |= {key: tuple(facts[key]) for key in ("size", "mean", "std")}
    table = pq.read_table(entry / "columns.parquet")
    pixels, kept = entry / "pixels.npy", entry / "kept.npy"
    return Prepared(
        facts=Facts(**facts),
        labels=np.load(entry / "labels.npy"),
        columns={name: np.array(table[name]) for name in table.column_names},
        pixels=torch.from_numpy(np.load(pixels)) if pixels.exists() else None,
        copies=np.load(entry / "copies.npy"),
        kept_rows=np.load(kept) if kept.exists() else None,
    )


def _readable(table: datasets.Dataset, column: str, workers: int) -> np.ndarray:
    """(N,) bool. InputError if no image can be read."""
    found = [usable for _, usable in _all(Readable(table, column), workers, "trying all images")]
    readable = torch.cat(found).numpy()
    if not readable.any():
        read_images(table, column, [0])  # its error tells why
    return readable


def _all(decoder: Decoder | Readable, workers: int, doing: str) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Some rows after others, and what the decoder makes of them."""
    plan = np.array_split(np.arange(len(decoder)), -(-len(decoder) // CHUNK))
    steps = zip(plan, decoded(decoder, plan, workers), strict=True)
    hidden = not console.is_terminal
    yield from track(steps, doing, len(plan), console=console, transient=True, disable=hidden)


def _channels(table: datasets.Dataset, column: str, rows: np.ndarray) -> int:
    """One where red, green and blue are equal everywhere, else three."""
    colours = (np.asarray(image.convert("RGB")) for image in read_images(table, column, rows.tolist()))
    return 1 if all((pixels == pixels[..., :1]).all() for pixels in colours) else 3
