"""Folders and files, those of runs and sweeps as whole words."""

from collections.abc import Callable
from pathlib import Path

RESULTS = ("status.json", "sweep.json")
"""What the folder of a run, or of a sweep, has."""
STORE = "store"
"""Beside the run folders; no run is in it."""


def paths(typed: str) -> list[str]:
    """What a path may go on with; folders end in a slash unless they are of a run or a sweep."""
    return _paths(typed, lambda child: True)


def folders(typed: str) -> list[str]:
    """Folders alone, without the store."""
    return _paths(typed, lambda child: child.is_dir() and child.name != STORE)


def _paths(typed: str, wanted: Callable[[Path], bool]) -> list[str]:
    above = typed[: typed.rfind("/") + 1]
    name, folder = typed.removeprefix(above), Path(above or ".").expanduser()
    there = [child for child in (folder.iterdir() if folder.is_dir() else ()) if child.name.startswith(name)]
    shown = [child for child in there if wanted(child) and (name or not child.name.startswith("."))]
    found = [f"{above}{child.name}{'/' if _is_open(child) else ''}" for child in shown]
    if len(found) == 1 and found[0].endswith("/"):
        return _paths(found[0], wanted) or found
    return found


def _is_open(child: Path) -> bool:
    return child.is_dir() and not any((child / name).exists() for name in RESULTS)
