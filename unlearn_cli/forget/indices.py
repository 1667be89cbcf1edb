"""Rows named in a file: another tool's choice, or the manifest of an earlier run."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet

FORMS = "give .txt or .csv (one index per line), .npy (integers), .json (a list, or a run's manifest)"


class Indices(Selector):
    """Rows of the data set (train rows come first, as published) listed in `file`."""

    file: Path = Field(
        description="rows to forget, counted from 0 as published, train rows first: .txt or .csv (one a "
        "line), .npy, .json (a list, or a run's forget.json)"
    )

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        content = self._read()
        if isinstance(content, dict):
            made_for = content.get("data_fingerprint")
            if made_for != data.fingerprint:
                self._refuse(f"a manifest of data {made_for}, but {data.name} is {data.fingerprint}")
            content = content.get("indices")
        rows = np.asarray(content if content is not None else [])
        if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
            self._refuse("not a list of whole numbers")
        if len(outside := rows[(rows < 0) | (rows >= len(data.labels))]):
            self._refuse(f"indices out of range 0 to {len(data.labels) - 1}: {listed(outside, 5)}")
        values, counts = np.unique(rows, return_counts=True)
        if (counts > 1).any():
            self._refuse(f"indices given more than once: {listed(values[counts > 1], 5)}")
        if len(foreign := np.setdiff1d(rows, splits.train)):
            self._refuse(f"indices not in the training split: {listed(foreign, 5)}")
        return self.forget_set("indices", values.astype(np.int64), data, splits)

    def _read(self) -> Any:
        """A list or an array of indices, or a manifest."""
        try:
            match self.file.suffix:
                case ".txt" | ".csv":
                    return [int(line) for line in self.file.read_text().split()]
                case ".npy":
                    return np.load(self.file, allow_pickle=False)
                case ".json":
                    return json.loads(self.file.read_text())
        except FileNotFoundError as error:
            raise InputError(f"forget.file: no such file '{self.file}'; {FORMS}") from error
        except (OSError, ValueError) as error:
            raise InputError(f"forget.file: '{self.file}' cannot be read ({error}); {FORMS}") from error
        raise InputError(f"forget.file: '{self.file}' is of unknown form; {FORMS}")

    def _refuse(self, why: str) -> None:
        raise InputError(f"forget.file: '{self.file}': {why}; {FORMS}")
