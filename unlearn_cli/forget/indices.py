"""Rows named one by one: in the command, in a file of another tool, or by the manifest of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.index_file import FORMS, read_index_file
from unlearn_cli.forget.row_names import in_range, rows_named, rows_of_files

NAMES = "give numbers counted from 0, or file names, as in forget.rows=[17,42]"


class Indices(Selector):
    """Rows of the data set (train rows come first, as published) listed in `rows` or in `file`.

    By number, by a mask of all rows, or by the image's file name (as much of its end as tells it apart).
    """

    file: Path | None = Field(
        description="rows to forget, counted from 0 as published, train rows first, or their file names: "
        ".txt or .csv (one a line), .json (a list, or a run's forget.json), .npy, .npz, .pt (numbers, a mask)"
    )
    rows: list[int | str] | None = Field(
        default=None,  # as in records of earlier runs
        min_length=1,
        description="the rows themselves instead of a file, by number or file name; one or a list",
    )

    @field_validator("rows", mode="before")
    @classmethod
    def _as_list(cls, rows: Any) -> Any:
        return [rows] if isinstance(rows, int | str) else rows

    @model_validator(mode="after")
    def _one_of_both(self) -> Indices:
        if (self.file is None) == (self.rows is None):
            raise InputError(
                f"forget.file, forget.rows: {'neither' if self.file is None else 'both'} given; give one, as "
                "in forget.file=rows.txt or forget.rows=[17,42]"
            )
        return self

    def facts(self) -> dict[str, Any]:
        return {key: value for key, value in super().facts().items() if value is not None}

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        try:
            rows = rows_named(self.rows, data) if self.rows else in_range(self._of_file(data), data)
        except ValueError as error:
            self._refuse(str(error))
        if len(foreign := np.setdiff1d(rows, splits.train)):
            split = "they are validation or test rows; data.val_fraction=0 leaves all train rows to training"
            self._refuse(f"indices not in the training split: {listed(foreign, 5)}", split)
        return self.forget_set("indices", np.sort(rows), data, splits)

    def _of_file(self, data: ImageData) -> np.ndarray:
        """(n,) int64, as the file lists them."""
        content = self._listed(data)
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
                return self._of_names(found.tolist(), data)
            found = numbers
        whole = found.dtype.kind in "iub" or (found.dtype.kind == "f" and (found == np.rint(found)).all())
        if found.size and not whole:
            self._refuse("not a list of whole numbers")
        if len(found) == len(data) > 2 and not set(np.unique(found).tolist()) - {0, 1}:
            return np.flatnonzero(found)
        if found.dtype.kind == "b" and found.size:
            self._refuse(f"not a list of whole numbers, nor a mask of all {len(data)} rows ({len(found)})")
        return found.astype(np.int64)

    def _listed(self, data: ImageData) -> Any:
        """What the file lists; of a manifest its indices, once it is one of these data."""
        assert self.file
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

    def _of_names(self, names: list[str], data: ImageData) -> np.ndarray:
        if "file" not in data.columns:
            self._refuse(
                f"not a list of whole numbers, and {data.name} has no file names ('{names[0][:60]}')"
            )
        return rows_of_files(names, data)

    def _refuse(self, why: str, right: str | None = None) -> NoReturn:
        place, forms = (f"forget.file: '{self.file}'", FORMS) if self.file else ("forget.rows", NAMES)
        raise InputError(f"{place}: {why}; {right or forms}")


def _numbers(cells: np.ndarray) -> np.ndarray | None:
    """The numbers that texts (n,) spell; None where one of them is a name."""
    try:
        return np.array([float(cell) if "." in cell else int(cell) for cell in cells.tolist()])
    except ValueError:
        return None
