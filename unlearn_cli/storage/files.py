"""Files that are whole or absent."""

import codecs
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""What a text file may begin with, and the encoding that it stands for."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; renamed to it if the block ends well, removed if it does not.

    An OSError tells which file it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)  # writing, unlike opening, does not know its name
        raise
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what `replacing` could not when its process was killed, in folders below, too; no other may be
    writing there."""
    for file in folder.rglob(".*.tmp"):
        file.unlink()


def remove_working_files(folder: Path) -> None:
    """Remove `*.resume.*`, which only serve the resumption of what is now complete."""
    for file in folder.glob("*.resume.*"):
        file.unlink()


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=True) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def read_text(path: Path) -> str:
    """Of a file from elsewhere, in UTF-8 or what its byte-order mark says. OSError, UnicodeDecodeError."""
    content = path.read_bytes()
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    return content.decode(encoding)
