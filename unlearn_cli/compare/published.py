"""The files of docs/results/: what was measured, with which values, by which commands.

`scripts.result_files` writes them, `scripts.result_tables` draws the documents' tables from them, and
`unlearn-compare --published` holds one's own runs against them.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, FiniteFloat, ValidationError

from unlearn_cli.config.catalogue import docs_folder
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.runtime.text import shown_throughout
from unlearn_cli.storage.files import read_json


class Spread(BaseModel):
    """A number over seeds: mean, standard deviation (None of one) and, where it is kept, of each seed."""

    mean: FiniteFloat
    sd: Annotated[FiniteFloat, Field(ge=0)] | None = None
    each: list[FiniteFloat] = []


class Line(BaseModel):
    """A row: a method with its values, or a reference (original, oracle)."""

    method: str
    settings: dict[str, Any] = {}
    """What tells it from others of its method, or what was chosen for it: keys of the method."""
    keys: dict[str, Any] | None = None
    """Everything under method, mask, surgery and lora, by dotted key; None where it was not kept."""
    trials: int | None = None
    """How many `unlearn tune` had for it."""
    seeds: list[int] = []
    values: dict[str, Spread]
    """By metric, as in metrics.json; `avg_gap`, `seconds` and other costs among them."""
    made_before: str | None = None
    """What has changed since, so that it is to be made again."""


class Part(BaseModel):
    """Rows of one setting; of a table over several settings there is also one, without a setting, of all."""

    name: str = ""
    setting: dict[str, Any] | None = None
    """Everything outside of method and mask but seeds, by dotted key; None where it was not kept."""
    floor: dict[str, float] = {}
    """By metric: mean gap of one oracle to another."""
    rows: list[Line]


class Published(BaseModel):
    """One file. commands: what makes it, and what that calls. columns: metrics that its table shows; of a
    part, `H sketch`."""

    title: str
    commands: list[str]
    date: str
    machine: str
    commit: str | None = None
    made_before: str | None = None
    columns: list[str]
    parts: list[Part]

    @property
    def about(self) -> str:
        """Where its numbers come from, in half a line."""
        commit = f"commit {self.commit[:7]}" if self.commit else "commit not recorded"
        return f"{commit}, {self.date}, {self.machine}"


def results_folder() -> Path:
    """docs/results/, in a checkout and in an installed package."""
    return docs_folder() / "results"


def published(name: str) -> Published:
    """Read a file, or the one of docs/results/ that has this name.

    Raises:
        InputError: there is none, or it is no such file.
    """
    ours = {file.stem: file for file in results_folder().glob("*.json")}
    file = ours.get(name, Path(name))
    try:
        return Published.model_validate(shown_throughout(read_json(file)))
    except FileNotFoundError as error:
        raise InputError(f"--published {name}: no such file; {did_you_mean(name, ours)}") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"--published {name}: no file of results: {_wrong(error)}") from error


def _wrong(error: Exception) -> str:
    """The first thing that is wrong, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"'{'.'.join(map(str, first['loc']))}': {first['msg'].lower()}"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
