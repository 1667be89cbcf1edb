"""A table of the documents from nothing, as a file of scripts/tables/ declares it.

Values are chosen by `unlearn tune` on validation rows of the first seed, with as many trials for each method; a sweep has
the same values for every seed; its runs are written to docs/results/NAME.json, which `scripts/docs` draws.

Run: scripts/table NAME [OUTPUTS]. Called again it goes on: what is finished is found.
"""

import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel

from scripts.result_files import published_of, write
from unlearn_cli.compare.published import results_folder
from unlearn_cli.errors import InputError, UnlearnError, did_you_mean

TABLES = Path(__file__).parent / "tables"
OUTPUTS = "outputs/tables"
WHOLE = {"": list[str]()}


class Table(BaseModel, extra="forbid"):
    """What a file of scripts/tables/ says. Lists of overrides are words of the command line."""

    title: str
    methods: list[str]
    overrides: list[str] = []
    """Of trials and sweep."""
    parts: dict[str, list[str]] = WHOLE
    """Of a table over several settings, what sets each; its columns are `H sketch`, and all are pooled, too."""
    trials: int
    seeds: list[int]
    tuning: list[str] = []
    """Of trials alone."""
    sweep: list[str] = []
    """Of the sweep alone."""
    columns: list[str]


def declared(name: str) -> Table:
    """Raises InputError: no such table."""
    known = {file.stem: file for file in TABLES.glob("*.yaml")}
    if name not in known:
        raise InputError(f"{name}: no such table; {did_you_mean(name, known)}")
    return Table.model_validate(yaml.safe_load(known[name].read_text(encoding="utf-8")))
