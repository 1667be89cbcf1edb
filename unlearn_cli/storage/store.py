"""A content-addressed folder of everything that costs time: originals, oracles, scores, decoded data."""

import hashlib
import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

from unlearn_cli.config.hashing import key_of
from unlearn_cli.storage.earlier import same_but_for_moves
from unlearn_cli.storage.files import read_json, remove_leftovers, remove_working_files, write_json
from unlearn_cli.storage.locks import exclusive_lock

log = logging.getLogger("unlearn")

MANIFEST = "entry.json"


class World(Protocol):
    """The processes of a run, as far as the store needs to know them."""

    @property
    def is_main(self) -> bool: ...

    def broadcast(self, value: Any) -> Any: ...

    def barrier(self) -> None: ...


class Alone:
    """One process."""

    is_main = True

    def broadcast(self, value: Any) -> Any:
        return value

    def barrier(self) -> None:
        pass


class Store:
    """Entries are folders `<root>/<kind>/<key>`; the key is a hash of the facts that determine the content.

    An entry is complete or absent: it is filled under `<key>.partial`, given a manifest of its files'
    hashes, and renamed. A killed maker finds its partial folder again. A damaged entry is set aside as
    `<key>.damaged-N` and made anew. One maker at a time, by a file lock.
    """

    def __init__(self, root: Path, world: World | None = None):
        self.root = root
        self.world = world or Alone()
        self.seconds = 0.0
        """What making entries has taken so far."""

    def get(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The entry's folder, made by `make(folder)` if it is not there.

        Raises:
            InputError: the store's folder cannot be written, or its file system has no locks.
        """
        entry = self.root / kind / key_of(facts)
        making = exclusive_lock(Path(f"{entry}.lock"), "paths.store", f"making {entry}")
        with making if self.world.is_main else nullcontext():
            if not self.world.broadcast(self._ready(entry) if self.world.is_main else None):
                self._make(entry, facts, make)
        return entry

    def _make(self, entry: Path, facts: dict[str, Any], make: Callable[[Path], None]) -> None:
        began, inside = time.monotonic(), self.seconds
        partial = entry.with_name(entry.name + ".partial")
        if self.world.is_main:
            for earlier in _of_earlier_versions(entry.parent, facts):
                log.info("store: %s is of an earlier version of unlearn; it is made again beside it", earlier)
            partial.mkdir(exist_ok=True)
            remove_leftovers(partial)
        self.world.barrier()
        make(partial)
        self.world.barrier()
        seconds = time.monotonic() - began
        self.seconds = inside + seconds  # of an entry made on the way, too
        if self.world.is_main:
            remove_working_files(partial)
            manifest = {"facts": facts, "files": _hashes(partial), "made": time.time(), "seconds": seconds}
            write_json(partial / MANIFEST, manifest)
            partial.rename(entry)
        self.world.barrier()

    def find(self, kind: str, facts: dict[str, Any]) -> Path | None:
        """The entry's folder if it is complete, without making it."""
        entry = self.root / kind / key_of(facts)
        return entry if (entry / MANIFEST).exists() else None

    def _ready(self, entry: Path) -> bool:
        if not entry.exists():
            return False
        fault = _fault(entry)
        if fault is None:
            return True
        number = 0
        while (aside := entry.with_name(f"{entry.name}.damaged-{number}")).exists():
            number += 1
        entry.rename(aside)
        log.warning("store: %s is damaged (%s); set aside as %s and made anew", entry, fault, aside.name)
        return False


class NotMade(LookupError):
    """An entry was asked of a store that makes none."""


class ReadOnlyStore(Store):
    """What a plan looks at: entries are found or not, none is made."""

    def get(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The entry's folder.

        Raises:
            NotMade: it is not there.
        """
        if entry := self.find(kind, facts):
            return entry
        raise NotMade(f"{kind}/{key_of(facts)}")


def _of_earlier_versions(kind: Path, facts: dict[str, Any]) -> list[Path]:
    """Entries that are the same but for names of classes, which have moved since."""
    entries = [file.parent for file in kind.glob(f"*/{MANIFEST}")]
    return [entry for entry in entries if same_but_for_moves(_facts(entry), facts)]


def _facts(entry: Path) -> dict[str, Any]:
    """What an entry was made from; nothing where its manifest is damaged, which is told when it is wanted."""
    try:
        return dict(read_json(entry / MANIFEST)["facts"])
    except (OSError, ValueError, KeyError):
        return {}


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    return {str(p.relative_to(folder)): _sha256(p) for p in files}


def _sha256(path: Path) -> str:
    content = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            content.update(block)
    return content.hexdigest()


def _fault(entry: Path) -> str | None:
    """What is wrong with an entry, or None."""
    try:
        files = read_json(entry / MANIFEST)["files"]
    except (OSError, ValueError, KeyError) as error:
        return f"no readable {MANIFEST}: {error}"
    for name, expected in files.items():
        if not (entry / name).is_file():
            return f"{name} is missing"
        if _sha256(entry / name) != expected:
            return f"{name} has changed"
    return None
