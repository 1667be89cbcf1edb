"""What a file or a folder holds, in 16 hex digits: wherever it lies, whatever it is called.

Everything is read once; what was found is remembered with sizes and times of all files, so that later only
these are looked at.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.storage.content import sha256_of
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.sealed import read_sealed, write_sealed
from unlearn_cli.storage.status import STATUS

log = logging.getLogger("unlearn")

LEFTOVERS = frozenset(("thumbs.db", "desktop.ini", "__macosx", "@eadir", "icon\r"))
"""What operating systems leave in folders, beside names that begin with a point."""
MODELS = ("model_index.json", "config.json", "open_clip_config.json")
"""One of which a folder of diffusers, transformers or open_clip has."""
SETTLED_NS = 2 * 10**9
"""A file that has changed so lately may change again without another time: it is not remembered."""
TOLD_BYTES = 10**9
"""To read so much takes a time that a person should know of."""
AT_ONCE = 4096
"""Files handed to the readers together."""

_known: ContextVar[dict[str, str] | None] = ContextVar("fingerprints", default=None)

File = tuple[bytes, str, os.stat_result]
"""Name in the folder, path, facts."""


def fingerprint(place: Path) -> str:
    """Of a file its content and suffix; of a folder the names and contents of all files below, links
    followed, without hidden ones; of a run folder its tensors, of a model's all but what explains it.

    Raises:
        OSError: something cannot be read.
    """
    known, place = _known.get(), place.absolute()
    if known is not None and str(place) in known:
        return known[str(place)]
    found = _fingerprint(place)
    if known is not None:
        known[str(place)] = found
    return found


@contextmanager
def looked_at_once() -> Iterator[None]:
    """Within the block each place is looked at when it is first asked for, and not again."""
    if _known.get() is not None:
        yield
        return
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def memory() -> Path:
    """Where fingerprints are remembered: UNLEARN_CACHE, else `unlearn` in the user's folder of caches."""
    if own := os.environ.get("UNLEARN_CACHE"):
        return Path(own, "fingerprints")
    try:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # a user without a home, who remembers nothing
        caches = os.devnull
    return Path(caches, "unlearn", "fingerprints")


def _fingerprint(place: Path) -> str:
    began = time.time_ns()
    files = sorted(_files(place))
    stamp, newest, size = hashlib.sha256(), 0, 0
    for name, _, facts in files:
        stamp.update(b"%s\0%d %d %d\n" % (name, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns))
        newest, size = max(newest, facts.st_mtime_ns, facts.st_ctime_ns), size + facts.st_size
    seen = {"place": str(place), "files": len(files), "bytes": size, "stamp": stamp.hexdigest()[:16]}
    memo = memory() / f"{key_of({'place': str(place)})}.json"
    if content := _remembered(memo, seen):
        return content
    if size > TOLD_BYTES:
        log.info("reading %s for its fingerprint, %.1f GB in %d files", place, size / 1e9, len(files))
    content = _content(files)
    if newest < began - SETTLED_NS:
        with suppress(OSError):  # a cache that takes no files: next time all is read again
            write_sealed(memo, seen | {"content": content})
    return content


def _remembered(memo: Path, seen: dict[str, Any]) -> str | None:
    try:
        found = read_sealed(memo)
    except (OSError, Damaged):  # none, or none that can be trusted
        return None
    content = found.pop("content", None)
    return content if found == seen and isinstance(content, str) else None


def _content(files: list[File]) -> str:
    from concurrent.futures import ThreadPoolExecutor  # a file at a time waits for the disk

    content, left = hashlib.sha256(), iter(files)
    with ThreadPoolExecutor(min(8, len(files)) or 1) as readers:
        while part := list(islice(left, AT_ONCE)):
            found = readers.map(sha256_of, (Path(path) for _, path, _ in part))
            for (name, _, _), value in zip(part, found, strict=True):
                content.update(name + b"\0" + value.encode() + b"\n")
    return content.hexdigest()[:16]


def _files(place: Path) -> Iterator[File]:
    if not place.is_dir():
        yield os.fsencode(place.suffix), str(place), place.stat()
        return
    of_run = (place / STATUS).is_file()
    of_model = any((place / name).is_file() for name in MODELS)
    for name, file, facts in _below(str(place), b"", (os.path.realpath(place),)):
        if name.endswith(b".safetensors") or not (of_run or (of_model and name.endswith(b".md"))):
            yield name, file, facts


def _below(folder: str, prefix: bytes, above: tuple[str, ...]) -> Iterator[File]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name.casefold() in LEFTOVERS:
                continue
            name = prefix + os.fsencode(entry.name)
            if entry.is_dir():
                real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if real not in above:  # else a circle, which is told where the folder is read
                    yield from _below(entry.path, name + b"/", (*above, real))
            elif entry.is_file():
                yield name, entry.path, entry.stat()
