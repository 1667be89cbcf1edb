"""A content-addressed folder of everything that costs time: originals, oracles, scores, decoded data."""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

from unlearn_cli.config.hashing import key_of
from unlearn_cli.storage.content import check_content, hashes
from unlearn_cli.storage.earlier import same_but_for_moves
from unlearn_cli.storage.files import (
    Damaged,
    flush,
    flush_folder,
    remove_leftovers,
    remove_working_files,
    set_aside,
)
from unlearn_cli.storage.locks import exclusive_lock
from unlearn_cli.storage.sealed import as_read, read_sealed, write_sealed

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
    `<key>.damaged-N` and made anew. One maker at a time, by a file lock; who finds an entry whole takes no
    lock and writes nothing.
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
        if self._agreed(lambda: _fault(entry, facts) is None):
            return entry
        making = exclusive_lock(Path(f"{entry}.lock"), "paths.store", f"making {entry}")
        with making if self.world.is_main else nullcontext():
            if not self._agreed(lambda: self._ready(entry, facts)):
                self._make(entry, facts, make)
        return entry

    def _agreed(self, look: Callable[[], bool]) -> bool:
        """What the main process sees."""
        return bool(self.world.broadcast(look() if self.world.is_main else None))

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
            for file in filter(Path.is_file, partial.rglob("*")):
                flush(file)
            files = hashes(partial, without=[MANIFEST])
            manifest = {"facts": facts, "files": files, "made": time.time(), "seconds": seconds}
            write_sealed(partial / MANIFEST, manifest)
            partial.rename(entry)
            flush_folder(entry.parent)
        self.world.barrier()

    def find(self, kind: str, facts: dict[str, Any]) -> Path | None:
        """The entry's folder if it is complete, without making it."""
        entry = self.root / kind / key_of(facts)
        return entry if _facts(entry) == as_read(facts) else None

    def _ready(self, entry: Path, facts: dict[str, Any]) -> bool:
        """Whether it is whole; one that is damaged goes aside."""
        fault = _fault(entry, facts)
        if fault and entry.exists():
            set_aside(entry, fault, "store")
        return not fault


class NotMade(LookupError):
    """An entry was asked of a store that makes none."""


class ReadOnlyStore(Store):
    """What a plan looks at: entries are found or not, none is made."""

    def get(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The entry's folder.

        Raises:
            NotMade: it is not there.
        """
        entry = self.root / kind / key_of(facts)
        if _fault(entry, facts) is None:
            return entry
        raise NotMade(f"{kind}/{key_of(facts)}")


def manifest_of(entry: Path) -> dict[str, Any]:
    """Facts, files (hashes by path), made (Unix time) and seconds of an entry. Damaged: none to be read."""
    try:
        found = read_sealed(entry / MANIFEST)
    except FileNotFoundError as error:
        raise Damaged(f"no {MANIFEST}") from error
    except Damaged as error:
        raise Damaged(f"no readable {MANIFEST}: {error}") from error
    if not (isinstance(found.get("facts"), dict) and isinstance(found.get("files"), dict)):
        raise Damaged(f"no readable {MANIFEST}: it tells no facts or no files")
    return found


def _of_earlier_versions(kind: Path, facts: dict[str, Any]) -> list[Path]:
    """Entries that are the same but for names of classes, which have moved since."""
    entries = [file.parent for file in kind.glob(f"*/{MANIFEST}") if "." not in file.parent.name]
    known = [(entry, made_from) for entry in entries if (made_from := _facts(entry)) is not None]
    return [entry for entry, made_from in known if same_but_for_moves(made_from, facts)]


def _facts(entry: Path) -> dict[str, Any] | None:
    """What an entry was made from; None where its manifest is damaged, which is told when it is wanted."""
    try:
        return dict(manifest_of(entry)["facts"])
    except Damaged:
        return None


def _fault(entry: Path, facts: dict[str, Any]) -> str | None:
    """What is wrong with an entry, or None."""
    try:
        manifest = manifest_of(entry)
        if manifest["facts"] != as_read(facts):
            return "it was made from other facts"
        check_content(entry, manifest["files"])
    except PermissionError:  # another user's, which is no fault of it
        raise
    except (Damaged, OSError) as error:
        return str(error)
    return None
