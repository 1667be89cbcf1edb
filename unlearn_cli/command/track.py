"""`unlearn track RUN …`: finished runs told to Weights & Biases afterwards."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unlearn_cli.command.explain import explaining
from unlearn_cli.compare.meanings import own_meanings
from unlearn_cli.compare.records import CONFIG, SWEEP, Run, Unfit, find, load
from unlearn_cli.config.composing import composed
from unlearn_cli.config.run_path import resolved
from unlearn_cli.config.settings import build
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.runtime.logs import log_to_console
from unlearn_cli.storage.files import Damaged, read_json
from unlearn_cli.storage.identity_file import read_identity
from unlearn_cli.storage.run_folder import ENVIRONMENT, check_sealed
from unlearn_cli.storage.status import read_status
from unlearn_cli.tracking.given import GROUP, for_several_runs
from unlearn_cli.tracking.late import Finished, track_late
from unlearn_cli.tracking.run_info import Described

REMEMBERED = ("project", "entity", "group", "tags", "name", "artifacts")
"""Of a run that was to be tracked, the keys that hold unless others are typed."""
KEYS = ("tracking", "paths.outputs")
HISTORY = "history.json"


def track(arguments: list[str]) -> None:
    """Tell of each run, its original and its oracle; print where.

    Raises:
        InputError: no finished run, a key that changes nothing of one. RunError: one was not tracked.
    """
    parser = Parser(
        prog="unlearn track",
        description="Tells Weights & Biases of finished runs: curves, final numbers, tables, figures, and "
        "their originals and oracles as runs of their own. A run keeps its id: told twice, it is one.",
    )
    parser.add_argument(
        "given",
        metavar="RUN|KEY=VALUE",
        nargs="+",
        help="a run's folder, a sweep's, or one above them; tracking.project=…, tracking.mode=offline",
    )
    given = parser.parse_args(arguments).given
    overrides = [word for word in given if "=" in word and not Path(word).exists()]
    folders = [Path(word) for word in given if word not in overrides]
    node, outputs = _composed(overrides)
    if not folders:
        raise InputError("track: no folder; give that of a run or of a sweep, as in unlearn track outputs")
    runs = [(run, _read(run), group) for folder in folders for run, group in _finished(folder)]
    log_to_console()
    if len(runs) > 1:
        for_several_runs()
    told, failed = set[Path](), list[Path]()
    for run, finished, group in runs:
        settings = _settings(node, overrides, run, group)
        tracker = track_late(settings, finished, outputs, lambda folder: not _in(told, folder))
        print(f"{run.folder}: {tracker.where}")
        failed += [] if tracker.complete else [run.folder]
    if failed:
        raise RunError(f"track: {len(failed)} of {len(runs)} runs were not told whole: {failed[0]}")


def _composed(overrides: Sequence[str]) -> tuple[dict[str, Any], Path]:
    """The tracker's node, and where W&B's files of originals and oracles go."""
    for override in overrides:
        key = override.partition("=")[0]
        if key not in KEYS and not key.startswith("tracking."):
            raise InputError(f"track: {key} changes nothing of a finished run; give tracking.KEY=VALUE")
    chosen = [*([] if any(o.startswith("tracking=") for o in overrides) else ["tracking=wandb"]), *overrides]
    with explaining(chosen):
        config = resolved(composed(chosen)[0])
    if build(config["tracking"], "tracking").destination is None:
        raise InputError("track: tracking=none keeps nothing; leave it out, or give tracking=wandb")
    return config["tracking"], Path(config["paths"]["outputs"])


def _finished(folder: Path) -> Iterator[tuple[Run, str | None]]:
    """The finished runs there, with the sweep's name where it is one; what is left out is told."""
    found = find([folder])
    for sentence in found.sentences():
        print(sentence, file=sys.stderr)
    if not found.runs:
        raise InputError(f"track: {folder} has no finished run; give the folder of one, or of a sweep")
    group = folder.resolve().name if (folder / SWEEP).exists() else None
    yield from ((run, group) for run in found.runs)


def _settings(node: Mapping[str, Any], overrides: Sequence[str], run: Run, group: str | None) -> Any:
    """The tracker's: what is typed, else what the run had, else the sweep as its group."""
    typed = {override.partition("=")[0].removeprefix("tracking.") for override in overrides}
    before = run.config.get("tracking") or {}
    same = before.get("_target_") == node["_target_"]
    kept = {key: before[key] for key in REMEMBERED if same and key in before and key not in typed}
    values = {**node, **kept}
    if group and "group" in values and values["group"] is None and GROUP not in os.environ:
        values["group"] = group
    return build(values, "tracking")


def _read(run: Run) -> Finished:
    """What its folder holds beside the result. InputError: it cannot be read."""
    try:
        check_sealed(run.folder, [ENVIRONMENT, HISTORY], read_status(run.folder))
        kept, config = read_identity(run.folder), load(run.folder / CONFIG)
        environment, history = load(run.folder / ENVIRONMENT), _epochs(run.folder / HISTORY)
    except (Damaged, Unfit) as error:
        raise InputError(f"track: {run.folder}: {error.args[-1]}; make the run again (--force)") from error
    identity = kept.identity.configuration if kept else config
    described = Described(config, run.result["choices"], identity, own_meanings([run]), environment)
    return Finished(run.folder, described, run.result, history)


def _epochs(file: Path) -> list[dict[str, Any]]:
    """The rows that the trainer kept. Damaged: they cannot be read, or are none."""
    try:
        rows = read_json(file)
    except (OSError, ValueError) as error:
        raise Damaged(f"{file.name}: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("stage"), str) and isinstance(row.get("step"), int)
        for row in rows
    ):
        raise Damaged(f"{file.name}: it holds no rows of epochs")
    return rows


def _in(told: set[Path], folder: Path) -> bool:
    """Whether it is there; from now on it is."""
    there = folder in told
    told.add(folder)
    return there
