"""Files of prompts as people have them: a prompt a line, CSV with named columns (I2P), JSON."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from unlearn_cli.data.names import listed
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.storage.files import read_text

log = logging.getLogger("unlearn")

TEXT, SEED, SCALE = (
    ("prompt", "caption", "text"),
    ("evaluation_seed", "sd_seed", "seed"),
    ("evaluation_guidance", "sd_guidance_scale", "guidance_scale"),
)
"""Columns that are read, by the first of these names that a table has."""
HINT = "give a list, or a file: text with a prompt a line, .csv with a column 'prompt', or .json"


@dataclass(frozen=True)
class Prompt:
    """A text, and how it alone is to be drawn."""

    text: str
    seed: int | None = None
    """Of its noise; None: the sampler's."""
    guidance: float | None = None
    """w, of which 1 + w is the scale that files have; None: the sampler's."""


def read_prompts(file: Path, key: str) -> tuple[Prompt, ...]:
    """The prompts of a file, each once; `key` named it.

    Raises:
        InputError: it cannot be read, or none is in it.
    """
    try:
        return _parsed(read_text(file), file, key)
    except (OSError, ValueError, RecursionError, csv.Error) as error:
        raise InputError(f"{key}: '{file}' cannot be read ({in_a_line(error)}); {HINT}") from error


@lru_cache
def _parsed(text: str, file: Path, key: str) -> tuple[Prompt, ...]:
    """What is skipped is told once in a process."""
    found = _rows(text, file.suffix.lower())
    filled = [prompt for prompt in found if prompt.text]
    prompts = tuple({prompt.text: prompt for prompt in reversed(filled)}.values())[::-1]
    for count, what in (
        (len(found) - len(filled), "empty lines"),
        (len(filled) - len(prompts), "repetitions"),
    ):
        if count:
            log.info("%s: %d %s of %s skipped", key, count, what, file)
    if not prompts:
        raise InputError(f"{key}: '{file}' is empty; {HINT}")
    return prompts


def _rows(text: str, suffix: str) -> list[Prompt]:
    if suffix in (".csv", ".tsv"):
        return _table(text)
    if suffix == ".json":
        return _records(json.loads(text))
    if suffix == ".jsonl":
        return _records([json.loads(line) for line in text.splitlines() if line.strip()])
    return [Prompt(line.strip()) for line in text.splitlines()]


def _table(text: str) -> list[Prompt]:
    """Rows by the names in the first line."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True)
    rows = list(reader)
    if long := next((row for row in rows if None in row), None):
        raise ValueError(f"'{next(iter(long.values()))}…' has more columns than the header; quote its text")
    return _records(rows)


def _records(rows: Any) -> list[Prompt]:
    """Strings, or mappings that have a prompt."""
    if isinstance(rows, dict):
        rows = rows.get("prompts", *rows.values()) if len(rows) == 1 else rows.get("prompts")
    if not isinstance(rows, list):
        raise ValueError("no list of prompts")
    if all(isinstance(row, str) for row in rows):
        return [Prompt(row.strip()) for row in rows]
    if not all(isinstance(row, Mapping) for row in rows):
        raise ValueError("neither strings nor objects with a 'prompt'")
    columns = {str(name).strip().casefold(): name for row in rows for name in row}
    text, seed, scale = (
        next((columns[n] for n in those if n in columns), None) for those in (TEXT, SEED, SCALE)
    )
    if text is None:
        raise ValueError(f"no column 'prompt'; there is {listed(columns)}")
    return [
        Prompt(
            str(row.get(text) or "").strip(),
            None if (number := _number(row, seed)) is None else _whole(number),
            None if (number := _number(row, scale)) is None else _weight(number),
        )
        for row in rows
    ]


def _number(row: Mapping[str, Any], column: str | None) -> float | None:
    """The row's value; None where it has none."""
    value = row.get(column) if column is not None else None
    if value is None or not str(value).strip():
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{column} is '{value}', which is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{column} is {value}, which is no number")
    return number


def _whole(seed: float) -> int:
    if seed < 0 or seed != int(seed) or seed >= 2**53:
        raise ValueError(f"a seed is a whole number from 0 on, not {seed:g}")
    return int(seed)


def _weight(scale: float) -> float:
    if scale < 1:
        raise ValueError(f"guidance is a scale of 1 or more, not {scale:g}")
    return scale - 1
