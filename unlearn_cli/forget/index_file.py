"""Lists of rows as people have them: text, CSV, JSON, NumPy, PyTorch; read by what a file's name ends in."""

from __future__ import annotations

import csv
import json
import pickle
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unlearn_cli.data.names import listed
from unlearn_cli.errors import in_a_line
from unlearn_cli.storage.files import read_text

FORMS = (
    "give .txt or .csv (a row's number or file name in each line), .json (a list, or a run's manifest), "
    ".npy, .npz or .pt (whole numbers, or a mask of all rows)"
)
COLUMNS = ("index", "indices", "idx", "row", "rows", "forget", "forget_index", "forget_indices", "forget_idx")
FILE_COLUMNS = ("file", "file_name", "filename", "path", "file_path", "filepath", "image", "image_path")
UNREADABLE = (
    *(OSError, ValueError, EOFError, RecursionError, MemoryError, OverflowError, RuntimeError, csv.Error),
    *(pickle.UnpicklingError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What the readers raise for a damaged or foreign file."""


def read_index_file(file: Path) -> Any:
    """An array, a list or a manifest (a mapping).

    Raises:
        ValueError: a line that says why it cannot be read.
        FileNotFoundError: there is none.
    """
    suffix = file.suffix.lower()
    if suffix not in READERS:
        raise ValueError("is of unknown form")
    try:
        content = READERS[suffix](file)
        return _of_mapping(content) if isinstance(content, dict) else _of_records(content)
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"cannot be read ({in_a_line(error)})") from error


def _json(file: Path) -> Any:
    return json.loads(read_text(file))


def _json_lines(file: Path) -> Any:
    return [json.loads(line) for line in read_text(file).splitlines() if line.strip()]


def _numpy(file: Path) -> Any:
    # A header may claim more than there is: mapped, it is compared with the file's size before it is read.
    return np.load(file, mmap_mode="r", allow_pickle=False)


def _numpy_archive(file: Path) -> Any:
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _torch(file: Path) -> Any:
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged pickle may fail in any way
        raise ValueError(in_a_line(error)) from error


def _anything(file: Path) -> Any:
    """A file whose name tells nothing, by how it begins."""
    with file.open("rb") as opened:
        start = opened.read(6)
    if start == b"\x93NUMPY":
        return _numpy(file)
    if start.startswith(b"PK"):
        return _torch(file)
    return _json(file) if start.lstrip()[:1] in (b"{", b"[") else _table(file)


def _table(file: Path) -> list[str]:
    """The cells that name rows: all of a plain list, one column of a table with a header."""
    lines = [line for line in read_text(file).splitlines() if line.strip(" \t,;") and line[:1] != "#"]
    if not lines:
        return []
    delimiter = next((mark for mark in ",;\t" if mark in lines[0]), None)
    rows = list(csv.reader(lines, delimiter=delimiter, skipinitialspace=True)) if delimiter else _words(lines)
    rows = [[cell.strip() for cell in row] for row in rows]
    header, body = rows[0], rows[1:]
    place = _named_column(header, body)
    if place is not None:
        if short := next((row for row in body if len(row) <= place), None):
            raise ValueError(f"'{listed(short)}' has no column '{header[place]}'")
        return [row[place] for row in body]
    filled = [[cell for cell in row if cell] for row in rows]
    if delimiter and len(rows) > 1 and {len(row) for row in filled} == {len(header)} and len(header) > 1:
        raise ValueError(f"{len(header)} columns without a header that names one of them 'index' or 'file'")
    return [cell for row in filled for cell in row]


def _words(lines: Iterable[str]) -> list[list[str]]:
    """Numbers parted by spaces; a line that is none is a name, spaces and all."""
    parts = [line.split() for line in lines]
    return [words if all(map(_is_number, words)) else [" ".join(words)] for words in parts]


def _named_column(header: list[str], body: list[list[str]]) -> int | None:
    """The column of indices or file names; None: the first line is no header."""
    names = [name.casefold().replace(" ", "_") for name in header]
    for known in (*COLUMNS, *FILE_COLUMNS):
        if known in names:
            return names.index(known)
    columns = list(zip(*body, strict=False))[: len(header)]
    if any(map(_is_number, header)) or not any(all(map(_is_number, column)) for column in columns):
        return None
    if len(header) == 1:
        return 0
    if header[0] == "":  # pandas writes its row numbers so
        return 0
    raise ValueError(f"columns {listed(header, 6)}; name the one that counts 'index' or 'file'")


def _is_number(cell: str) -> bool:
    try:
        return float(cell).is_integer()
    except ValueError:
        return False


def _of_mapping(content: dict[str, Any]) -> Any:
    """A manifest as it is; else the only list, or the one of a known name."""
    if "data_fingerprint" in content:
        return content
    for name in COLUMNS:
        if name in content:
            return content[name]
    if len(content) == 1:
        return next(iter(content.values()))
    raise ValueError(f"keys {listed(content, 6)}; name the one that counts 'indices'")


def _of_records(content: Any) -> Any:
    """[{"index": 3}, …] as [3, …]; anything else as it is."""
    if not (isinstance(content, list) and content and all(isinstance(row, dict) for row in content)):
        return content
    known = [name for name in (*COLUMNS, *FILE_COLUMNS) if all(name in row for row in content)]
    if not known:
        raise ValueError(f"records of {listed(content[0], 6)}; name the field that counts 'index' or 'file'")
    return [row[known[0]] for row in content]


READERS: dict[str, Callable[[Path], Any]] = {
    **dict.fromkeys((".txt", ".csv", ".tsv", ".lst", ".list"), _table),
    ".json": _json,
    ".jsonl": _json_lines,
    ".npy": _numpy,
    ".npz": _numpy_archive,
    **dict.fromkeys((".pt", ".pth"), _torch),
    "": _anything,
}
