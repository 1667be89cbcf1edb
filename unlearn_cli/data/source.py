"""Where images come from: a local copy or the hub, opened by Hugging Face `datasets`."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from datasets import Dataset, load_dataset_builder
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError, DatasetsError

from unlearn_cli.data.local import Tables, built_tables, local_tables
from unlearn_cli.data.rows import digest
from unlearn_cli.data.split_names import choose
from unlearn_cli.data.tree import Tree
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.storage.caches import check_caches

# It prints what it then raises, and what is raised is told in one line here.
logging.getLogger("datasets.packaged_modules").setLevel(logging.CRITICAL)

HINT = "give a folder of parquet files or images, or a hub name"


class Parts(NamedTuple):
    """A data set's own splits; None: a part of the train rows is to be held out."""

    train: Dataset
    val: Dataset | None
    test: Dataset | None
    notes: tuple[str, ...] = ()
    """What a person should know of what was read, and what not."""


@dataclass(frozen=True)
class Source:
    """A local folder or parquet file; or a hub name with its configuration."""

    place: Path | str
    config: str | None
    """Of a hub name; None for a local one."""

    @classmethod
    def find(cls, name: str, path: str | None, config: str | None, root: Path | None) -> Source:
        """`root`/`name` if there is one, else `path`: a local one if it exists, else a hub name."""
        if root is not None and (root / name).exists():
            return cls(_part(root / name, config), None)
        if path is None:
            raise InputError(f"data.path: not set; {HINT}")
        local = Path(path).expanduser()
        if local.exists():
            return cls(_part(local, config), None)
        if path.startswith((".", "/", "~")) or path.count("/") > 1:
            raise InputError(f"data.path: no such folder '{path}'; {HINT}")
        return cls(path, config)

    @property
    def folder(self) -> Path | None:
        """The folder that a local one is or lies in; None: it is on the hub."""
        if isinstance(self.place, str):
            return None
        return (self.place if self.place.is_dir() else self.place.parent).resolve()

    def identity(self) -> str:
        """Tells this source from another without reading it: a hash of file names, sizes and times."""
        if isinstance(self.place, str):
            return digest(f"{self.place} {self.config}")
        if self.place.is_file():
            return file_stamp(self.place)
        return digest(*(_stamp(self.place / file, self.place) for file in Tree.of(self.place).files))

    def read(self, train_split: str, val_split: str | None, test_split: str | None) -> Parts:
        """The splits as tables; downloads them if need be. InputError says in one line what is wrong."""
        wanted = (train_split, *(name for name in (val_split, test_split) if name))
        try:
            tables, unread = self._tables(wanted)
            chosen = choose(list(tables), train_split, val_split, test_split, self.place)
            train = tables[chosen.train]()
            val, test = (tables[name]() if name else None for name in (chosen.val, chosen.test))
        except DatasetNotFoundError as error:
            raise InputError(
                f"data.path: no '{self.place}' on the hub, or it needs a login (hf auth login); {HINT}"
            ) from error
        except ConnectionError as error:
            raise InputError(
                f"data.path: the hub cannot be reached for '{self.place}' and there is no local copy; "
                f"give one by data.path=FOLDER, or under the folder that UNLEARN_DATA (paths.data) names"
            ) from error
        except (OSError, DatasetsError, pa.ArrowInvalid, ValueError, RuntimeError) as error:
            cause = (
                error.__cause__ if isinstance(error, DatasetGenerationError) and error.__cause__ else error
            )
            if isinstance(cause, OSError) and cause.errno == errno.ENOSPC:
                raise cause from None  # the cache's disk is full; the data may be good
            check_caches()
            reason = in_a_line(cause) or type(cause).__name__
            raise InputError(f"data.path: '{self.place}' cannot be read ({reason}); {HINT}") from error
        return Parts(train, val or None, test or None, (*chosen.notes, *unread))

    def _tables(self, wanted: Collection[str]) -> tuple[Tables, list[str]]:
        if isinstance(self.place, str):
            return built_tables(load_dataset_builder(self.place, self.config)), []
        return local_tables(self.place, wanted)


def _part(local: Path, config: str | None) -> Path:
    """A copy of a hub repository keeps each configuration in a folder of its own."""
    return local / config if config and (local / config).is_dir() else local


def file_stamp(place: Path) -> str:
    """A hash of names, sizes and times: of a file, or of all files in a folder."""
    if place.is_file():
        return digest(_stamp(place, place.parent))
    stamps = (
        _stamp(Path(folder) / name, place)
        for folder, _, names in os.walk(place)
        for name in names
        if not name.startswith(".")
    )
    return digest(*sorted(stamps))


def _stamp(file: Path, base: Path) -> bytes:
    facts = file.stat() if file.exists() else file.lstat()  # a link to nothing is told where it is read
    return os.fsencode(f"{file.relative_to(base).as_posix()} {facts.st_size} {facts.st_mtime_ns}\n")
