"""Rows named in a file: another tool's choice, or the manifest of an earlier run."""

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

import numpy as np
import torch
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.index_file import FORMS, read_index_file


class Indices(Selector):
    """Rows of the data set (train rows come first, as published) listed in `file`.

    By number, by a mask of all rows, or by the image's file name (as much of its end as tells it apart).
    """

    file: Path = Field(
        description="rows to forget, counted from 0 as published, train rows first, or their file names: "
        ".txt or .csv (one a line), .json (a list, or a run's forget.json), .npy, .npz, .pt (numbers, a mask)"
    )

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        rows = self._rows(self._listed(data), data)
        if len(outside := rows[(rows < 0) | (rows >= len(data))]):
            self._refuse(f"indices out of range 0 to {len(data) - 1}: {listed(outside, 5)}")
        values, counts = np.unique(rows, return_counts=True)
        if (counts > 1).any():
            self._refuse(f"indices given more than once: {listed(values[counts > 1], 5)}")
        if len(foreign := np.setdiff1d(rows, splits.train)):
            split = "they are validation or test rows; data.val_fraction=0 leaves all train rows to training"
            self._refuse(f"indices not in the training split: {listed(foreign, 5)}", split)
        return self.forget_set("indices", values, data, splits)

    def _listed(self, data: ImageData) -> Any:
        """What the file lists; of a manifest its indices, once it is one of these data."""
        try:
            content = read_index_file(self.file)
        except FileNotFoundError as error:
            raise InputError(f"forget.file: no such file '{self.file}'; {FORMS}") from error
        except ValueError as error:
            raise InputError(f"forget.file: '{self.file}' {error}; {FORMS}") from error
        if not isinstance(content, dict):
            return content
        made_for = content["data_fingerprint"]
        if made_for != data.fingerprint:
            self._refuse(f"a manifest of data {made_for}, but {data.name} is {data.fingerprint}")
        return content.get("indices", [])

    def _rows(self, content: Any, data: ImageData) -> np.ndarray:
        """(n,) int64, as they are listed."""
        try:
            found = np.asarray(content.numpy() if isinstance(content, torch.Tensor) else content)
        except (ValueError, TypeError):  # lists of differing lengths
            self._refuse("not a list of whole numbers")
        if found.ndim == 2 and 1 in found.shape:
            found = found.ravel()
        if found.ndim != 1:
            self._refuse("not a list of whole numbers")
        if found.dtype.kind == "U":
            numbers = _numbers(found)
            if numbers is None:
                return self._rows_of_files(found.tolist(), data)
            found = numbers
        whole = found.dtype.kind in "iub" or (found.dtype.kind == "f" and (found == np.rint(found)).all())
        if found.size and not whole:
            self._refuse("not a list of whole numbers")
        if len(found) == len(data) > 2 and not set(np.unique(found).tolist()) - {0, 1}:
            return np.flatnonzero(found)
        if found.dtype.kind == "b" and found.size:
            self._refuse(f"not a list of whole numbers, nor a mask of all {len(data)} rows ({len(found)})")
        return found.astype(np.int64)

    def _rows_of_files(self, names: list[str], data: ImageData) -> np.ndarray:
        if "file" not in data.columns:
            self._refuse(
                f"not a list of whole numbers, and {data.name} has no file names ('{names[0][:60]}')"
            )
        rows_by_end = defaultdict(list)
        for row, file in enumerate(data.columns["file"]):
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
                self._refuse(f"{several} '{name[:60]}'; the files are like {data.columns['file'][0]}")
            found += rows
        return np.array(found, dtype=np.int64)

    def _refuse(self, why: str, right: str = FORMS) -> NoReturn:
        raise InputError(f"forget.file: '{self.file}': {why}; {right}")


def _numbers(cells: np.ndarray) -> np.ndarray | None:
    """The numbers that texts (n,) spell; None where one of them is a name."""
    try:
        return np.array([float(cell) if "." in cell else int(cell) for cell in cells.tolist()])
    except ValueError:
        return None
