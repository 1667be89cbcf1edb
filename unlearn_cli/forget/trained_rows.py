"""The rows that a model which comes trained has learnt."""

from pathlib import Path
from typing import Literal

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits, split_as_trained
from unlearn_cli.errors import InputError
from unlearn_cli.forget.row_file import rows_in_file

KEY = "model.trained_on"


def learnt_splits(data: ImageData, trained_on: Literal["train"] | Path, seed: int) -> Splits:
    """The model's own split: what it has learnt, and of the rest validation and test rows.

    trained_on: all rows of the data's training part, or a file that lists rows as `forget.file` does.
    InputError: a file that cannot be read or lists other rows; nothing is left to test on.
    """
    try:
        rows = data.train_rows if trained_on == "train" else rows_in_file(Path(trained_on), data)
        return split_as_trained(data, rows, seed)
    except (ValueError, InputError) as error:
        raise InputError(f"{KEY}: {error}") from error
