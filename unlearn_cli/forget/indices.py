"""Rows named one by one: in the command, in a file of another tool, or by the manifest of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.row_file import rows_in_file
from unlearn_cli.forget.row_names import rows_named

NAMES = "give numbers counted from 0, or file names, as in forget.rows=[17,42]"


class Indices(Selector):
    """Rows of the data set (train rows come first, as published) listed in `rows` or in `file`.

    By number, by a mask of all rows, or by the image's file name (as much of its end as tells it apart).
    """

    file: Path | None = Field(
        description="rows to forget, counted from 0 as published, train rows first, or their file names: "
        ".txt or .csv (one a line), .json (a list, or a run's forget.json), .npy, .npz, .pt (numbers, a mask)"
    )
    rows: list[Annotated[int, Field(ge=0)] | str] | None = Field(
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
        key, place = ("forget.file", f"'{self.file}': ") if self.file else ("forget.rows", "")
        try:
            rows = rows_in_file(self.file, data) if self.file else rows_named(self.rows or [], data)
        except ValueError as error:
            raise InputError(f"{key}: {error}" if self.file else f"{key}: {error}; {NAMES}") from error
        if len(foreign := np.setdiff1d(rows, splits.train)):
            raise InputError(
                f"{key}: {place}indices not in the training split: {listed(foreign, 5)}; they are validation "
                "or test rows; data.val_fraction=0 leaves all train rows to training"
            )
        return self.forget_set("indices", np.sort(rows), data, splits)
