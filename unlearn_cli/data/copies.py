"""Images that are there more than once: exactly alike, by a hash of their content."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Hashable, Iterable
from pathlib import Path

import datasets
import numpy as np
from torch import Tensor

from unlearn_cli.errors import InputError

HEAD = 4096
"""Bytes of a file that tell most others from it, beside its length."""


def of_pixels(pixels: Tensor) -> np.ndarray:
    """(N,) int64: for each of uint8 (N, C, H, W) the first row with the same pixels."""
    return _first(_hash(image.tobytes()) for image in pixels.flatten(1).numpy())


def of_files(table: datasets.Dataset, column: str) -> np.ndarray:
    """(N,) int64: for each row the first whose encoded image has the same bytes; few are read as a whole."""
    stored = table.cast_column(column, datasets.Image(decode=False)).select_columns([column])
    heads = [_head(image[column] or {}, f"row {row} of '{column}'") for row, image in enumerate(stored)]
    shared = Counter(heads)
    return _first(
        (head, _whole(stored[row][column])) if shared[head] > 1 else head for row, head in enumerate(heads)
    )


def told(copies: np.ndarray, labels: np.ndarray, part: np.ndarray) -> str | None:
    """A line on how many images (all (N,)) have a copy, in another class or part; None where none has."""
    alike = np.bincount(copies, minlength=len(copies))[copies] > 1
    if not alike.any():
        return None
    elsewhere = {
        "in another class": _differing(copies, labels),
        "on the other side of a split": _differing(copies, part),
    }
    said = [f"{int(rows.sum())} {where}" for where, rows in elsewhere.items() if rows.any()]
    return f"{int(alike.sum())} of {len(copies)} images have an exact copy" + (
        f", {' and '.join(said)}" if said else ""
    )


def _differing(copies: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(N,) bool: some row of the same content has another value."""
    odd = np.zeros(len(copies), dtype=bool)
    odd[copies[values != values[copies]]] = True
    return odd[copies]


def _first(contents: Iterable[Hashable]) -> np.ndarray:
    seen: dict[Hashable, int] = {}
    return np.array([seen.setdefault(content, row) for row, content in enumerate(contents)], dtype=np.int64)


def _head(image: dict, name: str) -> tuple[int, bytes]:
    """The length and a hash of the beginning. InputError: there is no such file."""
    if (content := image.get("bytes")) is not None:
        return len(content), _hash(content[:HEAD])
    try:
        with Path(image.get("path") or "").open("rb") as file:
            return os.fstat(file.fileno()).st_size, _hash(file.read(HEAD))
    except OSError as error:
        name, reason = (image["path"], error.strerror) if image.get("path") else (name, "no image")
        raise InputError(
            f"data.path: {name} cannot be read ({reason}); mend it, or set data.skip_unreadable=true to "
            "leave out what cannot be read"
        ) from error


def _whole(image: dict) -> bytes:
    return _hash(image["bytes"] if image["bytes"] is not None else Path(image["path"]).read_bytes())


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
