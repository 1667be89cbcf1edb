"""Locks between processes: one makes, the others wait and then find it made."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ENAMETOOLONG, ENOLCK, ENOSYS, EOPNOTSUPP
from pathlib import Path
from typing import Any

from filelock import FileLock, SoftFileLock, Timeout

from unlearn_cli.errors import InputError
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.storage.files import umask

log = logging.getLogger("unlearn")

WITHOUT_LOCKS = (ENOLCK, ENOSYS, EOPNOTSUPP, None)  # of the file system; None: filelock found out

NO_FALLBACK: dict[str, Any] = {"fallback_to_soft": False} if hasattr(FileLock, "fallback_to_soft") else {}
"""Where there are no locks filelock would take a file for one, which a killed process held for ever."""


@contextmanager
def exclusive_lock(path: Path, key: str, doing: str) -> Iterator[None]:
    """Hold the lock file `path` during the block.

    If another process holds it, say what that one is `doing`, and wait. A process that dies frees its locks.

    Raises:
        InputError: the folder, which `key` of the configuration gives, takes no files or knows no locks.
    """
    lock = FileLock(path, mode=0o666 & ~umask(), **NO_FALLBACK)  # for all who share the folder
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _take(lock, doing)
        if isinstance(lock, SoftFileLock):  # before filelock could be told not to
            lock.release()
            raise OSError(ENOSYS, "flock is not implemented")
    except (OSError, NotImplementedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        too_long = getattr(error, "errno", None) == ENAMETOOLONG
        way = "give one of a shorter path" if too_long else "give a writable folder"
        problem = f"cannot write to '{path.parent}' ({reason}); {way}"
        if getattr(error, "errno", None) in WITHOUT_LOCKS:
            problem = (
                f"the file system of '{path.parent}' has no file locks ({reason}), and two runs at once "
                "would spoil each other's work; give a folder on one that has them"
            )
        raise InputError(f"{key}: {problem}") from error
    try:
        yield
    finally:
        lock.release()


def _take(lock: FileLock, doing: str) -> None:
    """Take the lock once it is free; leave if a stop is asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # filelock's about its fallback
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("waiting for another process, which is %s", doing)
        while not lock.is_locked:
            if stop_requested():
                stop("while it waited for another process")
            with suppress(Timeout):
                lock.acquire(timeout=1)
