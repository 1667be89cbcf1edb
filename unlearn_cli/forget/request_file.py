"""A request that rows be forgotten, as a JSON file: what was asked for, when, why, and which rows that means.

{"id": "2026-0117", "date": "2026-11-30", "reason": "consent withdrawn", "files": ["cat/17.png"]}
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from unlearn_cli.config.settings import Settings, checked
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.forget.query import Query
from unlearn_cli.forget.row_names import rows_named
from unlearn_cli.storage.content import sha256_of
from unlearn_cli.storage.files import read_text

FORM = (
    'give a JSON object as in {"id": "2026-0117", "date": "2026-11-30", "reason": "…", "rows": [17, 42]}, '
    'or with "files": ["cat/17.png"] or "query": "person == \'x\'"'
)
WAYS = ("rows", "files", "query")


class Request(Settings):
    """What a request says. Of several ways to name rows all count."""

    id: str = Field(description="by which whoever asked knows the request")
    date: datetime.date = Field(description="when it was made, as in 2026-11-30")
    reason: str = Field(default="", description="why; stays out of the certificate unless it is asked for")
    rows: list[Annotated[int, Field(ge=0)]] = Field(
        default=[], description="numbers of rows, counted from 0 as published"
    )
    files: list[str] = Field(default=[], description="names of images' files")
    query: str | None = Field(default=None, min_length=1, description="condition on columns")

    @field_validator("id")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise InputError(f'id: {value!r} is blank or more than a line; give a name, as in "2026-0117"')
        return value

    @field_validator("date", mode="before")
    @classmethod
    def _is_written_out(cls, value: Any) -> Any:
        """A number is no date: it would be counted from 1970."""
        if not isinstance(value, str):
            raise InputError(f'date: {json.dumps(value)} is none; write it as in "2026-11-30"')
        return value

    @model_validator(mode="after")
    def _names_rows(self) -> Request:
        if not any(getattr(self, way) for way in WAYS):
            raise InputError(f"names no row: none of {', '.join(WAYS)} is given; {FORM}")
        if self.query:
            Query.parsed("query", self.query)
        return self

    def asked_rows(self, data: ImageData) -> np.ndarray:
        """Sorted int64: every row that it means, of whatever split.

        Raises:
            InputError: a row, a file or a column that the data have not.
        """
        try:
            found = [rows_named(named, data) for named in (self.rows, self.files) if named]
        except ValueError as error:
            raise InputError(str(error)) from error
        if self.query:
            found.append(np.flatnonzero(Query.parsed("query", self.query).rows(data.columns)))
        return np.unique(np.concatenate(found))


def read_request(file: Path) -> tuple[Request, str]:
    """The request and the SHA-256 of its file.

    Raises:
        InputError: no file, no request; without the file's name, which the caller knows.
    """
    try:
        content = json.loads(read_text(file))
    except FileNotFoundError as error:
        raise InputError(f"no such file; {FORM}") from error
    except (OSError, ValueError, RecursionError) as error:
        why = getattr(error, "strerror", None) or in_a_line(error)
        raise InputError(f"cannot be read as JSON ({why}); {FORM}") from error
    if not isinstance(content, dict):
        raise InputError(f"holds no keys; {FORM}")
    return checked(Request, content, ""), sha256_of(file)
