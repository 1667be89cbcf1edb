"""Where images come from: a local copy or the hub, opened by Hugging Face `datasets`."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from datasets import Dataset, load_dataset_builder
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError, DatasetsError

from unlearn_cli.config.places import local_data
from unlearn_cli.data.local import Tables, built_tables, local_tables
from unlearn_cli.data.rows import digest
from unlearn_cli.data.split_names import choose
from unlearn_cli.errors import FULL, InputError, in_a_line
from unlearn_cli.storage.caches import check_caches
from unlearn_cli.storage.fingerprint import fingerprint
from unlearn_cli.storage.hub import hub_or_cache

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
    missed: Path | None = None
    """Where UNLEARN_DATA would have had a copy of a hub's, and has none."""

    @classmethod
    def find(cls, name: str, path: str | None, config: str | None, root: Path | None) -> Source:
        """`root`/`name` if there is one, else `path`: a local one if it exists, else a hub name."""
        if local := local_data(name, path, config, root):
            return cls(local, None)
        if not path:
            raise InputError(f"data.path: not set; {HINT}")
        if path.startswith((".", "/", "~")) or path.count("/") > 1 or path.endswith(".parquet"):
            raise InputError(f"data.path: no such folder '{path}'; {HINT}")
        return cls(path, config, root / name if root and name else None)

    @property
    def folder(self) -> Path | None:
        """The folder that a local one is or lies in; None: it is on the hub."""
        if isinstance(self.place, str):
            return None
        return (self.place if self.place.is_dir() else self.place.parent).resolve()

    def identity(self) -> str:
        """Tells this source from another: a hash of all that is in it, wherever it lies; the hub's name.

        Raises:
            InputError: a file that cannot be read.
        """
        if isinstance(self.place, str):
            return digest(f"{self.place} {self.config}")
        try:
            return fingerprint(self.place)
        except OSError as error:
            raise InputError(f"data.path: '{error.filename}' cannot be read ({error.strerror})") from error

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
            place = f"as '{self.missed}', where there is none" if self.missed else "under the folder it names"
            raise InputError(
                f"data.path: the hub cannot be reached for '{self.place}' and there is no such folder here; "
                f"give one by data.path=FOLDER, or by UNLEARN_DATA (paths.data) {place}"
            ) from error
        except (OSError, DatasetsError, pa.ArrowInvalid, ValueError, RuntimeError) as error:
            cause = (
                error.__cause__ if isinstance(error, DatasetGenerationError) and error.__cause__ else error
            )
            if isinstance(cause, OSError) and cause.errno in FULL:
                raise cause from None  # the cache's disk is full; the data may be good
            check_caches()
            reason = in_a_line(cause)
            raise InputError(f"data.path: '{self.place}' cannot be read ({reason}); {HINT}") from error
        return Parts(train, val or None, test or None, (*chosen.notes, *unread))

    def _tables(self, wanted: Collection[str]) -> tuple[Tables, list[str]]:
        if isinstance(self.place, str):
            with hub_or_cache():
                return built_tables(load_dataset_builder(self.place, self.config)), []
        return local_tables(self.place, wanted)
