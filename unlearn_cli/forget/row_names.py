"""Rows that people name one by one: by number, or by the file that an image is in."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from unlearn_cli.data.images import FILE, ImageData
from unlearn_cli.data.names import listed, one_line


def rows_named(names: Sequence[int | str], data: ImageData) -> np.ndarray:
    """(n,) int64, in their order: a number counts from 0 as published, a text is a file's name.

    Raises:
        ValueError: a line that says which of them is no row, or is given twice.
    """
    files = [name for name in names if isinstance(name, str)]
    of_file = dict(zip(files, rows_of_files(files, data).tolist(), strict=True)) if files else {}
    return in_range([of_file[name] if isinstance(name, str) else name for name in names], data)


def in_range(rows: Sequence[int] | np.ndarray, data: ImageData) -> np.ndarray:
    """The rows as (n,) int64. ValueError: one that the data have not, or that is there twice."""
    rows = np.asarray(rows, dtype=np.int64)
    if len(outside := rows[(rows < 0) | (rows >= len(data))]):
        raise ValueError(f"indices out of range 0 to {len(data) - 1}: {listed(outside, 5)}")
    values, counts = np.unique(rows, return_counts=True)
    if (counts > 1).any():
        raise ValueError(f"indices given more than once: {listed(values[counts > 1], 5)}")
    return rows


def rows_of_files(names: Sequence[str], data: ImageData) -> np.ndarray:
    """(n,) int64: the row of each file, of which as much of the path's end suffices as tells it apart.

    Raises:
        ValueError: data without file names, or a name that no image has, or several.
    """
    if FILE not in data.columns:
        raise ValueError(f"{data.name} has no file names ('{one_line(names[0])[:60]}')")
    rows_by_end = defaultdict(list)
    for row, file in enumerate(data.columns[FILE]):
        parts = str(file).split("/")
        for start in range(len(parts)):
            rows_by_end["/".join(parts[start:])].append(row)
    found: list[int] = []
    for name in names:
        typed = PurePosixPath(name.replace("\\", "/")).parts
        ends = ("/".join(typed[start:]) for start in range(len(typed)))
        rows = next((rows_by_end[end] for end in ends if end in rows_by_end), [])
        if len(rows) != 1:
            several = f"{len(rows)} images are called" if rows else f"{data.name} has no image"
            raise ValueError(f"{several} '{one_line(name)[:60]}'; the files are like {data.columns[FILE][0]}")
        found += rows
    return np.array(found, dtype=np.int64)
