"""The rows that a model which comes trained has learnt."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits, split_as_trained
from unlearn_cli.errors import InputError
from unlearn_cli.forget.forget_set import nothing
from unlearn_cli.forget.indices import Indices

KEY = "model.trained_on"


def splits_of(data: ImageData, trained_on: Literal["train"] | Path, seed: int) -> Splits:
    """The model's own split: what it has learnt, and of the rest validation and test rows.

    trained_on: all rows of the data's training part, or a file that lists rows as `forget.file` does.
    InputError: a file that cannot be read or lists other rows; nothing is left to test on.
    """
    rows = data.train_rows if trained_on == "train" else _listed(Path(trained_on), data)
    try:
        return split_as_trained(data, rows, seed)
    except InputError as error:
        raise InputError(f"{KEY}: {error}") from error


def _listed(file: Path, data: ImageData) -> np.ndarray:
    everything = Splits(np.arange(len(data)), nothing(), nothing(), 0, data.fingerprint)
    try:
        return Indices(file=file).select(replace(data, copies=None), everything).rows
    except InputError as error:
        raise InputError(f"{KEY}: {str(error).partition(': ')[2]}") from error
