"""Every moment at which a run changes what has a name on the disk, and the disk as it was then.

What a killed process leaves is what lies on the disk at that moment. So one run, its folder copied before and
after each file is put in place or removed, stands for as many runs that are killed there.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

OPERATIONS = ("replace", "rename", "unlink")
"""All by which the package gives a file its name or takes it (storage/files.py, storage/store.py)."""


class Moment(NamedTuple):
    """Before or after a file was put in place, or removed, for the count-th time."""

    side: str
    operation: str
    file: str
    """Its path below the folder."""
    count: int
    disk: Path
    """The folder as it was then."""

    @property
    def name(self) -> str:
        return f"{self.side} {self.operation} {self.file} {self.count}"


@contextmanager
def watched(folder: Path, copies: Path) -> Iterator[list[Moment]]:
    """The moments of what runs in the block, their disks below `copies`."""
    moments: list[Moment] = []
    counts: dict[tuple[str, str], int] = {}

    def noting(operation: str) -> Callable[..., Any]:
        change = getattr(Path, operation)

        @wraps(change)
        def noted(path: Path, *arguments: Any, **options: Any) -> Any:
            file = path if operation == "unlink" else Path(arguments[0])
            if not path.exists() or not file.is_relative_to(folder):
                return change(path, *arguments, **options)
            name = file.relative_to(folder).as_posix()
            counts[operation, name] = counts.get((operation, name), 0) + 1

            def note(side: str) -> None:
                disk = copies / str(len(moments))
                shutil.copytree(folder, disk)
                moments.append(Moment(side, operation, name, counts[operation, name], disk))

            note("before")
            result = change(path, *arguments, **options)
            note("after")
            return result

        return noted

    with ExitStack() as patches:
        for operation in OPERATIONS:
            patches.enter_context(patch.object(Path, operation, noting(operation)))
        yield moments


def stages(moments: list[Moment]) -> list[Moment]:
    """Of each file the first time and, where there are several, one in the middle; in their order."""
    last = {(moment.operation, moment.file): moment.count for moment in moments}
    return [m for m in moments if m.count in (1, (last[m.operation, m.file] + 1) // 2)]
