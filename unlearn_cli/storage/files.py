"""Files that are whole or absent, also after the machine has lost its power."""

import codecs
import errno
import json
import logging
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

log = logging.getLogger("unlearn")

MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""What a text file may begin with, and the encoding that it stands for."""


class Damaged(Exception):
    """A file that is not as it was written; what is wrong with it, in a few words."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`; renamed to it if the block ends well, removed if it does not.

    The content is on the disk before the name is. An OSError tells which file it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(path)
    temporary = path.with_name(f"{_temporary_prefix(path)}{os.getpid()}.tmp")
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        if error.errno and not error.filename:
            error.filename = str(path)  # writing, unlike opening, does not know its name
        raise
    finally:
        temporary.unlink(missing_ok=True)


def flush(file: Path) -> None:
    """Have its content on the disk, open to whom the umask allows (safetensors makes private files)."""
    with file.open("rb") as opened:
        os.fchmod(opened.fileno(), 0o666 & ~umask())
        os.fsync(opened.fileno())


def flush_folder(folder: Path) -> None:
    """Have the names in it on the disk, where its file system can."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(opened)


def umask() -> int:
    """What files are closed to: `umask 002` shares them with the group."""
    found = os.umask(0o077)  # the only way to ask is to set it
    os.umask(found)
    return found


def remove_leftovers(folder: Path) -> None:
    """Remove what `replacing` could not when its process was killed, in folders below, too; no other may be
    writing there."""
    for file in folder.rglob(".*.tmp"):
        file.unlink()


def remove_working_files(folder: Path) -> None:
    """Remove `*.resume.*`, which only serve the resumption of what is now complete."""
    for file in folder.glob("*.resume.*"):
        file.unlink(missing_ok=True)


def set_aside(path: Path, fault: str, what: str) -> None:
    """Rename a damaged file or folder, beside what will take its place, and say so in a line."""
    number = 0
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    log.warning("%s: %s is damaged (%s); set aside as %s and made anew", what, path, fault, aside.name)


def write_json(path: Path, content: Any) -> None:
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=True) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Raises ValueError for what is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_text(path: Path) -> str:
    """Of a file from elsewhere, in UTF-8 or what its byte-order mark says. OSError, UnicodeDecodeError."""
    content = path.read_bytes()
    encoding = next((name for mark, name in MARKS.items() if content.startswith(mark)), "utf-8")
    return content.decode(encoding)


def is_alive(pid: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _remove_orphans(path: Path) -> None:
    """Remove what killed processes of this machine have left of this file."""
    prefix = _temporary_prefix(path)
    for file in path.parent.iterdir():
        if file.name.startswith(prefix) and file.suffix == ".tmp":
            pid = file.stem.removeprefix(prefix)
            if pid.isdecimal() and not is_alive(int(pid)):
                file.unlink(missing_ok=True)


def _temporary_prefix(path: Path) -> str:
    return f".{path.name}.{platform.node()}-"
