"""Text from elsewhere (names of files, classes, runs) on its way to a terminal, a table, a document.

A name may hold anything that a file system takes. None of it is to move a cursor, to colour, to turn the
reading direction, to begin a formula or a link.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any

CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""What a terminal acts upon, what turns the direction of reading, halves of pairs that no encoding has."""
KEPT = "\n\t"
MARKDOWN = re.compile(r"[\\|*<>\[\]`$~&]|(?<![^\W_])_|_(?![^\W_])")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def shown(text: str, keep: str = "") -> str:
    """With the name of each control character in its place, `\\x1b`; those in `keep` stay."""
    return CONTROLS.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def shown_throughout(content: Any) -> Any:
    """The same of all text in nested dicts and lists, keys too."""
    if isinstance(content, str):
        return shown(content)
    if isinstance(content, dict):
        return {shown_throughout(key): shown_throughout(value) for key, value in content.items()}
    return [shown_throughout(value) for value in content] if isinstance(content, list) else content


def in_markdown(text: str) -> str:
    """Text of one line with nothing that Markdown would take for its own."""
    return MARKDOWN.sub(lambda found: f"\\{found[0]}", shown(text))


def table_line(cells: Iterable[str]) -> str:
    """A line of a table in Markdown; of its cells none has a bare bar."""
    return f"| {' | '.join(cells)} |"


def in_spreadsheet(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: an apostrophe stands before text like one."""
    if isinstance(value, str) and value.startswith(FORMULA) and not _is_number(value):
        return f"'{value}"
    return value


class Shown(logging.Formatter):
    """Messages of the log, whatever names are in them."""

    def format(self, record: logging.LogRecord) -> str:
        return shown(super().format(record), KEPT)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def duration_text(seconds: float) -> str:
    """`45 s`, `3 min`, `2 h 10 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{minutes} min"
