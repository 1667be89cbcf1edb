"""The files that a table's images come from: named, and none outside of the data's folder."""

from __future__ import annotations

import os
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.compute as pc

from unlearn_cli.data.class_names import printable
from unlearn_cli.data.columns import values_of
from unlearn_cli.data.images import FILE
from unlearn_cli.errors import InputError


def with_files(table: datasets.Dataset, column: str, folder: Path | None) -> datasets.Dataset:
    """The table with a column of file names, where all images have one and there is no such column yet.

    Images that a local table names instead of holding them are looked for in its folder.

    Raises:
        InputError: one that lies elsewhere, or is an address.
    """
    content, names = (pc.struct_field(values_of(table, column), part) for part in ("bytes", "path"))
    paths = names.to_pylist()
    if folder is not None and content.null_count:
        missing = pc.is_null(content).to_pylist()
        found = [
            _beneath(path, folder, column) if path and gone else path
            for path, gone in zip(paths, missing, strict=True)
        ]
        if found != paths:
            paths = found
            parts = [content.combine_chunks(), pa.array(paths, pa.string())]
            images = pa.StructArray.from_arrays(parts, names=["bytes", "path"])
            table = table.remove_columns(column).add_column(column, images, feature=datasets.Image())
    if FILE in table.column_names or not all(paths):
        return table
    start = f"{folder}{os.sep}"
    files = pa.array([printable(path.removeprefix(start)) for path in paths], pa.string())
    return table.add_column(FILE, files, feature=datasets.Value("string"))


def _beneath(path: str, folder: Path, column: str) -> str:
    """The path, which a relative one has in the folder."""
    found = os.path.normpath(folder / path)
    if "://" in path or "\0" in path or not found.startswith(f"{folder}{os.sep}"):
        raise InputError(
            f"data.image_column: '{column}' names '{printable(path[:80])}', which is no file in '{folder}'; "
            "put the images there, or into the table"
        )
    return found
