"""Images decoded when they are asked for, by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import datasets
import numpy as np
import torch
from joblib import cpu_count
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from unlearn_cli.data.geometry import Fitted, Geometry
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError

UNREADABLE = (OSError, Image.DecompressionBombError)
"""What Pillow raises for a damaged image."""


class Decoder(Dataset):
    """Rows of a table to uint8 (B, C, H, W); a DataLoader calls it in its workers."""

    def __init__(self, table: datasets.Dataset, column: str, geometry: Geometry, shape: tuple[int, int, int]):
        """shape: (C, H, W) of what the geometry is to make of every image."""
        self.table = table.select_columns([column])
        self.column, self.geometry, self.shape = column, geometry, shape

    def in_colour(self) -> Decoder:
        """Another one, to three channels."""
        assert isinstance(self.geometry, Fitted)  # a model's own makes three
        geometry, shape = replace(self.geometry, channels=3), (3, *self.shape[1:])
        return Decoder(self.table, self.column, geometry, shape)

    def __len__(self) -> int:
        return len(self.table)

    def __getitems__(self, rows: Sequence[int]) -> Tensor | InputError:
        # An error is returned, not raised: from a worker it would arrive with a traceback for a message.
        try:
            images = read_images(self.table, self.column, rows)
            return torch.from_numpy(np.stack([self._pixels(image) for image in images]))
        except InputError as error:
            return error

    def _pixels(self, image: Image.Image) -> np.ndarray:
        pixels = self.geometry(image)
        if pixels.shape != self.shape:
            raise differing_sizes({self.shape, pixels.shape})
        return pixels


@dataclass(kw_only=True)
class Streaming(ImageData):
    """Images too large or too many to keep decoded."""

    decoder: Decoder
    workers: int

    def _in_colour(self) -> dict[str, Any]:
        return {"decoder": self.decoder.in_colour()}

    def pixels(self, plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        for x in decoded(self.decoder, plan, self.workers, pin=self.device.type == "cuda"):
            yield x.to(self.device, non_blocking=True)

    def image(self, row: int) -> np.ndarray:
        (x,) = decoded(self.decoder, [np.array([row])], workers=0)
        return x[0].permute(1, 2, 0).numpy()


def decoded(
    decoder: Decoder | Readable, plan: Sequence[np.ndarray], workers: int, pin: bool = False
) -> Iterator[Tensor]:
    """What the decoder makes of each step of the plan, in order, on the CPU; at most one worker per CPU."""
    loader: DataLoader = DataLoader(
        decoder,
        batch_sampler=plan,  # type: ignore[arg-type]  # any sequence of row sequences will do
        num_workers=min(workers, cpu_count(), len(plan)),
        collate_fn=_as_is,
        pin_memory=pin,
        generator=torch.Generator(),  # its own, or starting a loader would move the global one
    )
    for x in loader:
        if isinstance(x, InputError):
            raise x
        yield x


class Readable(Dataset):
    """Rows of a table to (B,) bool: whether the image can be used. A DataLoader calls it, as a `Decoder`."""

    def __init__(self, table: datasets.Dataset, column: str):
        self.table, self.column = table.select_columns([column]), column

    def __len__(self) -> int:
        return len(self.table)

    def __getitems__(self, rows: Sequence[int]) -> Tensor:
        return torch.tensor([self._usable(row) for row in rows])

    def _usable(self, row: int) -> bool:
        try:
            read_images(self.table, self.column, [row])
        except InputError:
            return False
        return True


def read_images(table: datasets.Dataset, column: str, rows: Sequence[int]) -> list[Image.Image]:
    """The images of some rows. InputError: unreadable, missing, or of more than 8 bits."""
    try:
        images = table[[int(row) for row in rows]][column]
    except UNREADABLE:
        images = [_read_alone(table, column, int(row)) for row in rows]  # which one is it?
    for row, image in zip(rows, images, strict=True):
        if not isinstance(image, Image.Image):
            raise InputError(f"data.image_column: no image in row {row} of '{column}'")
        if image.mode[0] in "IF":
            raise InputError(
                f"data.image_column: pixels of mode {image.mode} in row {row}; give 8-bit images"
            )
    return images


def image_name(table: datasets.Dataset, column: str, row: int) -> str:
    """An image's file, or its row where the table holds the image itself."""
    (stored,) = table.cast_column(column, datasets.Image(decode=False))[[row]][column]
    return (stored or {}).get("path") or f"row {row} of '{column}'"


def _read_alone(table: datasets.Dataset, column: str, row: int) -> Image.Image:
    try:
        return table[row][column]
    except UNREADABLE as error:
        told = getattr(error, "strerror", None) or str(error).splitlines()[0]
        reason = "no image" if isinstance(error, UnidentifiedImageError) else told
        raise InputError(
            f"data.path: {image_name(table, column, row)} cannot be read ({reason}); mend it, or set "
            "data.skip_unreadable=true to leave out what cannot be read"
        ) from error


def differing_sizes(shapes: set[tuple[int, ...]]) -> InputError:
    """The error for images (C, H, W) that do not fit one tensor."""
    seen = " and ".join(f"{width} x {height}" for width, height in sorted((w, h) for _, h, w in shapes)[:2])
    return InputError(f"data.size: images of differing sizes ({seen}); give data.size=PIXELS to resize them")


def _as_is(batch: Any) -> Any:
    return batch
