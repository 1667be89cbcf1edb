"""identity.json: what the numbers in a run's folder belong to, as it was when the run began."""

from collections.abc import Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

from unlearn_cli.config.nested import flat
from unlearn_cli.config.places import is_there
from unlearn_cli.errors import InputError
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.identity import Identity, differences, on_disk
from unlearn_cli.storage.sealed import read_sealed, write_sealed

IDENTITY = "identity.json"
TOLD = 3
"""Keys that a line names."""


@dataclass(frozen=True)
class Kept:
    """What a run's folder says of itself."""

    identity: Identity
    choices: dict[str, str]
    """Option by group."""


def write_identity(folder: Path, kept: Kept) -> None:
    one = kept.identity
    files = {key: str(Path(place).absolute()) for key, place in one.files.items()}
    told = {"configuration": one.configuration, "files": files, "plugins": one.plugins}
    write_sealed(folder / IDENTITY, told | {"choices": kept.choices})


def read_identity(folder: Path) -> Kept | None:
    """None: an earlier version's run, or none. Damaged: it is not as it was written."""
    try:
        found = read_sealed(folder / IDENTITY)
    except FileNotFoundError:
        return None
    parts = [found.get(name) for name in ("configuration", "files", "plugins", "choices")]
    if not all(isinstance(part, dict) for part in parts):
        raise Damaged(f"{IDENTITY} tells no configuration")
    configuration, files, plugins, choices = (dict(part or {}) for part in parts)
    return Kept(Identity(configuration, files, plugins), choices)


def check_is_of(folder: Path, asked: Kept) -> None:
    """Refuse a folder that holds another run's: it was renamed, and whose it is only a person can say.

    Raises:
        InputError: it names what differs.
    """
    try:
        held = read_identity(folder)
    except Damaged:  # told, and set aside, when the run begins
        return
    if held is None or held.identity.key == asked.identity.key:
        return
    told = _in_words(held, asked)
    raise InputError(
        f"paths.outputs: {folder} holds another run ({told}); give it the name back that it had, or move it "
        "away: the same command then makes the run that was asked for"
    )


def is_another_runs(folder: Path) -> bool:
    """Whether a run's folder has the name of another run."""
    try:
        held = read_identity(folder)
    except Damaged:
        return False
    return held is not None and not folder.name.endswith(f"-{held.identity.key[:8]}")


def changed_since(folder: Path, asked: Identity) -> str | None:
    """A line on what is on the disk now and was not for the latest run of the same configuration; None: there
    was no such run. A run of another file (`forget.file=b.txt` after `a.txt`) is none; of a file that is now
    elsewhere it is.

    Args:
        folder: of the run that is asked for, which is beside that one's.
    """
    alike = f"{escape(folder.name.rpartition('-')[0])}-*/{IDENTITY}"
    for file in sorted(folder.parent.glob(alike), key=lambda file: file.stat().st_mtime, reverse=True):
        try:
            other = read_identity(file.parent)
        except (Damaged, OSError):
            continue
        if other and not _names_others(other.identity, asked) and (told := changes(other.identity, asked)):
            return f"{told} what it was for {file.parent}; the run is made anew beside it"
    return None


def _names_others(before: Identity, now: Identity) -> bool:
    """Whether a key names another place, and the one from before is still there."""
    places = ((Path(place), now.files.get(key)) for key, place in before.files.items())
    return any(here and Path(here).absolute() != there and is_there(there) for there, here in places)


def changes(before: Identity, now: Identity) -> str | None:
    """`data.path: the content of 'photos' is not`; None where nothing, or more than the disk, has changed."""
    values = [dict(flat(one.configuration, ".")) for one in (before, now)]
    keys = differences(before.configuration, now.configuration)
    if not keys or not all(any(on_disk(value.get(key)) for value in values) for key in keys):
        return None
    named = [_named(key, now, values[1]) for key in keys[:TOLD]]
    return f"{', '.join(named)}{', …' if len(keys) > TOLD else ''} {'is' if len(keys) == 1 else 'are'} not"


def _named(key: str, now: Identity, values: Mapping[str, Any]) -> str:
    if key.endswith("_target_"):
        target = str(values.get(key)).partition(" ")[0]
        return f"{key.removesuffix('._target_')}: the source of {target.rpartition('.')[0]}"
    return f"{key}: the content of '{now.files[key]}'" if key in now.files else key


def _in_words(held: Kept, asked: Kept) -> str:
    """`method=ft, not salun`: the choices that differ, else the values."""
    theirs, ours = held.choices, asked.choices
    chosen = [
        f"{group}={theirs.get(group)}, not {ours.get(group)}"
        for group in sorted(theirs | ours)
        if theirs.get(group) != ours.get(group)
    ]
    if chosen:
        return "; ".join(chosen[:TOLD])
    if told := changes(held.identity, asked.identity):
        return f"{told} the same"
    before, now = (dict(flat(one.identity.configuration, ".")) for one in (held, asked))
    keys = differences(held.identity.configuration, asked.identity.configuration)
    return "; ".join(f"{key}={before.get(key)}, not {now.get(key)}" for key in keys[:TOLD])
