"""What is forgotten as a whole: a sample, a class, a prompt, or whatever shares a value of a column."""

from dataclasses import dataclass

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.errors import InputError

ALIASES = {"class": "label"}
"""A unit by the field's name, where the data's column has another."""


@dataclass(frozen=True)
class Units:
    """U units, and which of them each training row belongs to."""

    names: np.ndarray
    """(U,): row numbers, or values of a column."""
    of_row: np.ndarray
    """(n,) int64: the unit of each row of `rows`."""
    rows: np.ndarray
    """(n,) sorted int64: the training rows."""

    @classmethod
    def of(cls, unit: str, data: ImageData, rows: np.ndarray) -> "Units":
        """`unit`: sample, class, or a column's name (prompt, identity, domain, …).

        Raises:
            InputError: the data have no such column.
        """
        if unit == "sample":
            return cls(rows, np.arange(len(rows)), rows)
        column = ALIASES.get(unit, unit)
        if column not in data.columns:
            raise InputError(
                f"forget.unit: no column '{column}' in {data.name}; give sample, class or one of "
                f"{listed(data.columns, 20)}"
            )
        names, of_row = np.unique(data.columns[column][rows].astype(str), return_inverse=True)
        return cls(names, of_row, rows)

    def __len__(self) -> int:
        return len(self.names)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """(U,): the mean over each unit's rows of `values` (n,)."""
        return np.bincount(self.of_row, values, len(self)) / np.bincount(self.of_row, minlength=len(self))

    def rows_of(self, chosen: np.ndarray) -> np.ndarray:
        """The rows of the units at positions `chosen`."""
        return self.rows[np.isin(self.of_row, chosen)]
