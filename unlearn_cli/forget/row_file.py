"""The rows that a file of another tool lists, or the manifest of an earlier run."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from unlearn_cli.data.images import ImageData
from unlearn_cli.forget.index_file import FORMS, read_index_file
from unlearn_cli.forget.row_names import in_range, rows_of_files

NO_LIST = "not a list of whole numbers"


def rows_in_file(file: Path, data: ImageData) -> np.ndarray:
    """(n,) int64, each once, as the file lists them: numbers, a mask of all rows, or file names.

    Raises:
        ValueError: a line that names the file and says what is wrong with it, and what would be right.
    """
    try:
        content = read_index_file(file)
    except FileNotFoundError as error:
        raise ValueError(f"no such file '{file}'; {FORMS}") from error
    except ValueError as error:
        raise ValueError(f"'{file}' {error}; {FORMS}") from error
    try:
        return in_range(_rows(_list_of(content, data), data), data)
    except ValueError as error:
        raise ValueError(f"'{file}': {error}; {FORMS}") from error


def _list_of(content: Any, data: ImageData) -> Any:
    """What is listed; of a manifest its indices, once it is one of these data."""
    if not isinstance(content, dict):
        return content
    made_for = content["data_fingerprint"]
    if made_for != data.fingerprint:
        raise ValueError(f"a manifest of data {made_for}, but {data.name} is {data.fingerprint}")
    return content.get("indices", [])


def _rows(content: Any, data: ImageData) -> np.ndarray:
    try:
        found = np.asarray(content.numpy() if isinstance(content, torch.Tensor) else content)
    except (ValueError, TypeError) as error:  # lists of differing lengths
        raise ValueError(NO_LIST) from error
    if found.ndim == 2 and 1 in found.shape:
        found = found.ravel()
    if found.ndim != 1:
        raise ValueError(NO_LIST)
    if found.dtype.kind == "U":
        numbers = _numbers(found)
        if numbers is None:
            return _of_names(found.tolist(), data)
        found = numbers
    whole = found.dtype.kind in "iub" or (found.dtype.kind == "f" and (found == np.rint(found)).all())
    if found.size and not whole:
        raise ValueError(NO_LIST)
    if len(found) == len(data) > 2 and not set(np.unique(found).tolist()) - {0, 1}:
        return np.flatnonzero(found)
    if found.dtype.kind == "b" and found.size:
        raise ValueError(f"{NO_LIST}, nor a mask of all {len(data)} rows ({len(found)})")
    return found.astype(np.int64)


def _of_names(names: list[str], data: ImageData) -> np.ndarray:
    if "file" not in data.columns:
        raise ValueError(f"{NO_LIST}, and {data.name} has no file names ('{names[0][:60]}')")
    return rows_of_files(names, data)


def _numbers(cells: np.ndarray) -> np.ndarray | None:
    """The numbers that texts (n,) spell; None where one of them is a name."""
    try:
        return np.array([float(cell) if "." in cell else int(cell) for cell in cells.tolist()])
    except ValueError:
        return None
