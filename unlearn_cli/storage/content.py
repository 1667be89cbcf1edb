"""Which files a folder holds, by their hashes, and which of them is no longer what it was."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from unlearn_cli.storage.files import Damaged


def hashes(folder: Path, without: Iterable[str] = ()) -> dict[str, str]:
    """SHA-256 of every file below, by its path there; of files and folders named in `without` none."""
    left_out = set(without)
    return {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and left_out.isdisjoint(path.relative_to(folder).parts)
    }


def check_content(folder: Path, expected: Mapping[str, str]) -> None:
    """Raises Damaged: a file is missing, or is not what it was when `hashes` saw it."""
    for name, value in expected.items():
        if not (folder / name).is_file():
            raise Damaged(f"{name} is missing")
        if sha256_of(folder / name) != value:
            raise Damaged(f"{name} has changed")


def sha256_of(path: Path) -> str:
    content = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            content.update(block)
    return content.hexdigest()
