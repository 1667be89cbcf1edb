"""What is printed fits the place it goes to: its signs, its width."""

from __future__ import annotations

import codecs
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

PLAINER = {"–": "-", "−": "-", "…": "...", "±": "+-", "×": "x", "→": ">", "↓": "v", "↑": "^"}
PLAINER |= {
    "≤": "<=",
    "≥": ">=",
    "·": ".",
    "‖": "||",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "≡": "==",
    "✗": "x",
    "†": "*",
}
PLAIN = "unlearn_plain"
PIPE_WIDTH = 1000
"""Columns where no terminal cuts: whoever reads a pipe or a file finds each row in a line of its own."""


def print_plainer() -> None:
    """Signs that the terminal's encoding lacks become plainer ones, or "?", in place of an error."""
    codecs.register_error(PLAIN, _plainer)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=PLAIN)


def console() -> Console:
    """For tables on stdout: as wide as the terminal or COLUMNS; a pipe has room for every row.

    Names are printed as they are: "[cat]" is no style and ":cat:" no picture.
    """
    from rich.console import Console  # a command's own help needs no table

    made = Console(markup=False, emoji=False)
    if not made.is_terminal and not made.is_jupyter and not os.environ.get("COLUMNS"):
        made.width = PIPE_WIDTH
    return made


def _plainer(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    plain = (PLAINER.get(sign, "?") for sign in signs)
    return "".join(plain), error.end
