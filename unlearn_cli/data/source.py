"""Where images come from: a local copy or the hub, opened by Hugging Face `datasets`."""

from __future__ import annotations

import errno
import logging
import os
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from datasets import Dataset, DatasetBuilder, load_dataset_builder
from datasets.exceptions import DatasetGenerationError, DatasetNotFoundError, DatasetsError

from unlearn_cli.data.names import listed
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError

# It prints what it then raises, and what is raised is told in one line here.
logging.getLogger("datasets.packaged_modules").setLevel(logging.CRITICAL)

HINT = "give a folder of parquet files or images, or a hub name"
VALIDATION = ("validation", "valid", "val", "dev")
"""One split's spellings: `datasets` calls it 'validation' in any local folder, hub sets as they please."""


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

    def identity(self) -> str:
        """Tells this source from another without reading it: a hash of file names, sizes and times."""
        if isinstance(self.place, str):
            return digest(f"{self.place} {self.config}")
        return file_stamp(self.place)

    def read(self, train_split: str, test_split: str | None) -> tuple[Dataset, Dataset | None]:
        """The splits as tables; downloads them if need be. InputError says in one line what is wrong."""
        try:
            builder = self._builder()
            builder.download_and_prepare()
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
            reason = (str(cause) or type(cause).__name__).splitlines()[0]
            raise InputError(f"data.path: '{self.place}' cannot be read ({reason}); {HINT}") from error
        train = builder.as_dataset(split=self._split("train_split", train_split, builder))
        if test_split is None:
            return train, None
        return train, builder.as_dataset(split=self._split("test_split", test_split, builder))

    def _builder(self) -> DatasetBuilder:
        if isinstance(self.place, str):
            return load_dataset_builder(self.place, self.config)
        if self.place.is_file():
            return load_dataset_builder("parquet", data_files={"train": str(self.place)})
        return load_dataset_builder(str(self.place))

    def _split(self, key: str, wanted: str, builder: DatasetBuilder) -> str:
        names = list(builder.info.splits)
        spellings = VALIDATION if wanted in VALIDATION else (wanted,)
        for name in (wanted, *spellings):
            if name in names:
                return name
        hint = "; data.test_split=null holds out a part of the train rows" if key == "test_split" else ""
        raise InputError(f"data.{key}: no split '{wanted}' in '{self.place}'; there is {listed(names)}{hint}")


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


def _stamp(file: Path, base: Path) -> str:
    facts = file.stat()
    return f"{file.relative_to(base).as_posix()} {facts.st_size} {facts.st_mtime_ns}\n"
