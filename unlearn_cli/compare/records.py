"""Finished runs, read from the folders that they left."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import Better
from unlearn_cli.runtime.text import shown, shown_throughout
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.identity import with_content
from unlearn_cli.storage.identity_file import read_identity
from unlearn_cli.storage.run_config import read_yaml
from unlearn_cli.storage.run_folder import check_sealed
from unlearn_cli.storage.sealed import read_sealed
from unlearn_cli.storage.status import read_status
from unlearn_cli.storage.store import MANIFEST

SWEEP, STATUS, RESULT, CONFIG = "sweep.json", "status.json", "metrics.json", "config.yaml"
NOT_SEARCHED = ("store", "tracking", "wandb", "figures", "trials")
"""Folders that hold no run and may hold very many files."""
DICTS = ("choices", "metrics", "cost")
PERHAPS = ("original", "oracle", "gap", "original_cost", "oracle_cost", "expected")
"""Dicts that are null where a run has none."""
OTHERS = ("method", "seed", "avg_gap", "warnings", "source")
KINDS: dict[str, Any] = {
    "method": str,
    "seed": int,
    "avg_gap": int | float | None,
    "warnings": list,
    "source": str | None,
    "forget": dict,
    "tuned_for": dict,
}
LARGEST = 1e150
GROUPS = ("task", "data", "model", "forget", "method", "mask", "surgery", "lora")
"""Of a configuration, where it has them."""


@dataclass(frozen=True)
class Run:
    """One finished run: its resolved configuration and what it found (metrics.json)."""

    folder: Path
    config: Mapping[str, Any]
    result: Mapping[str, Any]

    @cached_property
    def values(self) -> dict[str, float]:
        """All numbers by metric: quality, Avg Gap and cost."""
        result = self.result
        own = {**result["metrics"], "avg_gap": result["avg_gap"], **result["cost"]}
        return {key: value for key, value in own.items() if value is not None}

    @property
    def gap(self) -> Mapping[str, float]:
        """Distance to the oracle of the same seed by metric; empty without an oracle."""
        return self.result["gap"] or {}


@dataclass
class Found:
    """The runs to compare, and by reason what was left out: a line for each folder."""

    runs: list[Run] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, folder: Path, detail: str | None = None) -> None:
        """Note it under that reason, once."""
        folders, line = self.left_out.setdefault(reason, []), f"{folder}: {detail}" if detail else str(folder)
        if line not in folders:
            folders.append(line)

    def sentences(self) -> list[str]:
        """One line for each reason: how many, and the first of them."""
        return [
            shown(f"left out: {len(folders)} {reason} ({folders[0]}{', …' if len(folders) > 1 else ''})")
            for reason, folders in self.left_out.items()
        ]


class Unfit(Exception):
    """A run folder that cannot be compared: the reason it is counted under, and details."""


def find(paths: Iterable[Path]) -> Found:
    """Every finished run in these folders: run folders, sweep folders and folders above them.

    Raises:
        InputError: a path is no folder, or there is no run at all.
    """
    found = Found()
    folders = dict.fromkeys(folder for path in paths for folder in _run_folders(path, found))
    for folder in folders:
        try:
            found.runs.append(read(folder))
        except Unfit as error:
            found.leave_out(error.args[0], folder, *error.args[1:])
    if not folders and not found.left_out:
        raise InputError("no run there; give run folders, sweep folders or a folder above them")
    return found


def _run_folders(path: Path, found: Found) -> Iterator[Path]:
    """The run folders in `path` and those that sweeps in it name, resolved."""
    if not path.is_dir():
        wrong = "is a file" if path.exists() else "no such folder"
        raise InputError(f"{path}: {wrong}; give run folders, sweep folders or folders above them")

    def note_unreadable(error: OSError) -> None:
        found.leave_out("unreadable", Path(error.filename), error.strerror)

    for place, below, files in os.walk(path, onerror=note_unreadable):
        folder = Path(place).resolve()
        if SWEEP in files:  # beside it lie what its runs share and the code that they ran
            below.clear()
            yield from _swept(folder, found)
        elif MANIFEST in files:  # an entry of the store
            below.clear()
        elif STATUS in files or RESULT in files:
            below.clear()
            yield folder
        else:
            below[:] = sorted(n for n in below if n not in NOT_SEARCHED and not n.startswith("."))


def _swept(folder: Path, found: Found) -> Iterator[Path]:
    """The folders of a sweep's runs; those that are not there have not begun."""
    try:
        runs = [Path(run["folder"]) for run in read_sealed(folder / SWEEP)["runs"]]
    except (OSError, Damaged, KeyError, TypeError) as error:
        found.leave_out("unreadable", folder / SWEEP, _reason(error))
        return
    for run in runs:
        if (run / STATUS).exists():
            yield run.resolve()
        else:
            found.leave_out("not begun", run)


def read(folder: Path) -> Run:
    """A finished run.

    Raises:
        Unfit: it is not finished, unreadable, incomplete or of another version of this program.
    """
    status = read_status(folder)
    state = status["state"]
    if state != "finished":
        reasons = {
            "damaged": ("unreadable", status.get("reason")),
            "absent": ("half-written", f"no {STATUS}"),
        }
        raise Unfit(*reasons.get(state, (state, status.get("reason"))))
    try:
        check_sealed(folder, [RESULT, CONFIG], status)
    except Damaged as error:
        raise Unfit("damaged", str(error)) from error
    result = load(folder / RESULT)
    if wrong := unlike(result):
        raise Unfit("of another version", wrong)
    config = load(folder / CONFIG)
    if plain := [group for group in GROUPS if not isinstance(config.get(group, {}), dict)]:
        raise Unfit("of another version", f"{CONFIG}: '{plain[0]}' holds no keys")
    try:
        kept = read_identity(folder)
    except Damaged as error:
        raise Unfit("damaged", str(error)) from error
    return Run(folder, with_content(config, kept.identity) if kept else config, result)


def unlike(result: Mapping[str, Any]) -> str | None:
    """What this program would not have written, if anything."""
    if lacking := [key for key in (*DICTS, *PERHAPS, *OTHERS) if key not in result]:
        return f"{RESULT} lacks {', '.join(map(repr, lacking))}"
    for key in (*DICTS, *PERHAPS):
        value = result[key]
        if not isinstance(value, dict) and not (value is None and key in PERHAPS):
            return f"{RESULT}: {key!r} is no dict"
    numbers = ("metrics", "cost", "original", "oracle", "gap", "original_cost", "oracle_cost")
    for key in numbers:
        for name, value in (result[key] or {}).items():
            if not _is_measured(value):
                return f"{RESULT}: '{key}.{name}' is no number"
    for key, kind in KINDS.items():
        if key in result and not isinstance(result[key], kind):
            return f"{RESULT}: {key!r} is no {getattr(kind, '__name__', kind)}"
    if isinstance(result["avg_gap"], int | float) and _is_huge(result["avg_gap"]):
        return f"{RESULT}: 'avg_gap' is no number"
    texts = [*result["choices"], *result["choices"].values(), *result["warnings"]]
    if not all(isinstance(text, str) for text in texts):
        return f"{RESULT}: a choice or a warning is no text"
    if not all(_is_published(value) for value in (result["expected"] or {}).values()):
        return f"{RESULT}: 'expected' does not hold mean and deviation of each metric"
    if not _are_oracles(result.get("oracles")):
        return f"{RESULT}: 'oracles' does not hold seed and metrics of each"
    if not meaningful(result.get("meanings", {})):
        return f"{RESULT}: 'meanings' does not hold name, unit, better and text of each"
    return "no method among its choices" if "method" not in result["choices"] else None


def _is_huge(value: float) -> bool:
    """A number that no measurement comes to: its square is beyond what a float holds."""
    return LARGEST < abs(value) < float("inf")


def _is_published(value: Any) -> bool:
    """Whether it is a mean with a deviation, or without."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], int | float)
        and isinstance(value[1], int | float | None)
        and not any(_is_huge(number or 0) for number in value)
    )


def _are_oracles(told: Any) -> bool:
    """Whether these are oracles as a run tells of them; older ones tell of none."""
    return told is None or (
        isinstance(told, list)
        and all(
            isinstance(one, dict)
            and isinstance(one.get("seed"), int)
            and isinstance(one.get("metrics"), dict)
            and all(map(_is_measured, one["metrics"].values()))
            for one in told
        )
    )


def _is_measured(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not _is_huge(value)


def meaningful(meanings: Any) -> bool:
    """Whether these are meanings as a run keeps them of its plug-ins' metrics, by key."""
    return isinstance(meanings, dict) and all(
        isinstance(parts, dict)
        and parts.keys() == {"name", "unit", "better", "text"}
        and all(isinstance(part, str) for part in parts.values())
        and parts["better"] in get_args(Better)
        for parts in meanings.values()
    )


def load(file: Path) -> dict[str, Any]:
    """The content of a JSON or YAML file.

    Raises:
        Unfit: it is not there, unreadable or no mapping.
    """
    try:
        content = read_sealed(file) if file.suffix == ".json" else read_yaml(file)
        return dict(shown_throughout(content))
    except FileNotFoundError as error:
        raise Unfit("half-written", f"no {file.name}") from error
    except (OSError, Damaged) as error:
        raise Unfit("unreadable", f"{file.name}: {_reason(error)}") from error
    except RecursionError as error:
        raise Unfit("unreadable", f"{file.name}: nested too deeply") from error


def _reason(error: Exception) -> str:
    """An error in a line; some libraries write paragraphs."""
    return " ".join(str(error).split()) or type(error).__name__
