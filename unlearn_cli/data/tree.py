"""What lies in a folder, links followed: nothing is passed over without a word."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder

from unlearn_cli.errors import InputError
from unlearn_cli.storage.fingerprint import LEFTOVERS

IMAGES = frozenset(ImageFolder.EXTENSIONS)
DOCUMENTS = frozenset((".md", ".txt", ".pdf", ".html", ".py", ".sh", ".gitattributes", ".gitignore"))


@dataclass
class Tree:
    """Files beneath a folder, by their path in it ('cat/1.png'), sorted."""

    place: Path
    files: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    """Folders that hold nothing."""

    @classmethod
    def at(cls, place: Path) -> Tree:
        """A folder whose files are known otherwise."""
        return cls(place.resolve())

    @classmethod
    def of(cls, place: Path) -> Tree:
        """InputError: a folder that may not be read, or links that go round in circles."""
        tree = cls.at(place)
        try:
            tree._walk(place, "", (os.path.realpath(place),))
        except OSError as error:
            raise InputError(f"data.path: '{error.filename}' cannot be read ({error.strerror})") from error
        tree.files.sort()
        tree.empty.sort()
        return tree

    @property
    def images(self) -> list[str]:
        return [file for file in self.files if suffix(file) in IMAGES]

    def ending(self, *suffixes: str) -> list[str]:
        """The files with one of these suffixes, in any case."""
        return [file for file in self.files if suffix(file) in suffixes]

    def beneath(self, folder: str) -> Tree:
        """What lies in one of its folders."""
        start = f"{folder}/"
        files, empty = (
            [name.removeprefix(start) for name in names if name.startswith(start)]
            for names in (self.files, self.empty)
        )
        return Tree(self.place / folder, files, empty)

    def _walk(self, folder: Path, prefix: str, above: tuple[str, ...]) -> None:
        entries = list(_entries(folder))
        if not entries and prefix:
            self.empty.append(prefix.rstrip("/"))
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if not entry.is_dir():
                if suffix(name) not in IMAGES and not Path(entry).exists():
                    raise InputError(
                        f"data.path: '{name}' in '{self.place}' is a link to nothing; mend or remove it"
                    )
                self.files.append(name)
                continue
            real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
            if real in above:
                raise InputError(f"data.path: '{name}' in '{self.place}' is a link to a folder above it")
            self._walk(Path(entry.path), f"{name}/", (*above, real))


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        for entry in found:
            if not entry.name.startswith(".") and entry.name.casefold() not in LEFTOVERS:
                yield entry


def suffix(file: str) -> str:
    """'.png' of 'cat/1.PNG'."""
    return PurePosixPath(file).suffix.lower()
