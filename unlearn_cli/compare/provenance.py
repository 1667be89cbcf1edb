"""What a page says of runs beside their numbers: what was forgotten; command, date, version, folder."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

from unlearn_cli.compare.comparison import Table
from unlearn_cli.compare.records import Run, Unfit, load
from unlearn_cli.figures.about import forgotten
from unlearn_cli.storage.run_folder import ENVIRONMENT
from unlearn_cli.storage.status import read_status

WITH_CLASSES = ("classification", "generation", "clip")
"""Tasks whose record tells accuracies by class, in the order of the classes' numbers."""
SOME = 3
"""So many different forget sets are named."""
PACKAGE = "unlearn-cli"


@dataclass(frozen=True)
class Provenance:
    """Of one run; what its folder does not tell is empty. folder: from where the page stands."""

    seed: int
    folder: str
    command: str
    date: str
    version: str

    @property
    def link(self) -> str:
        return quote(f"{self.folder}/")

    @property
    def title(self) -> str:
        """For a tooltip."""
        return "\n".join(part for part in (self.folder, self.command, self.date, self.version) if part)


def provenance(run: Run, page: Path) -> Provenance:
    """page: the folder that the page is written into."""
    try:
        environment: Mapping[str, Any] = load(run.folder / ENVIRONMENT)
    except Unfit:
        environment = {}
    status = read_status(run.folder)
    return Provenance(
        seed=run.result["seed"],
        folder=Path(os.path.relpath(run.folder.resolve(), page.resolve())).as_posix(),
        command=_command(environment.get("command")),
        date=_date(status.get("time")),
        version=_version(environment),
    )


def forgotten_in(table: Table) -> str:
    """`class cat (145 rows)`; of several sets some are named."""
    runs = [run for row in table.rows if not row.reference for run in row.group.runs]
    found = list(dict.fromkeys(_forgotten(run) for run in runs))
    counts = {forget.get("count") for run in runs if isinstance(forget := run.result.get("forget"), dict)}
    more = f" and {len(found) - SOME} more" if len(found) > SOME else ""
    count = counts.pop() if len(counts) == 1 else None
    rows = f" ({count:,} rows)" if isinstance(count, int) else ""
    return "; ".join(found[:SOME]) + more + rows


def _forgotten(run: Run) -> str:
    choices, facts = run.result["choices"], run.config.get("forget", {})
    return forgotten(choices.get("forget", ""), facts, _classes(run))


def _classes(run: Run) -> Sequence[str]:
    by_model = run.result.get("per_class")
    if run.result["choices"].get("task") not in WITH_CLASSES or not isinstance(by_model, dict):
        return ()
    accuracies = next(iter(by_model.values()), None)
    return list(accuracies) if isinstance(accuracies, dict) else ()


def _command(found: Any) -> str:
    return shlex.join(map(str, found)) if isinstance(found, list) else ""


def _date(found: Any) -> str:
    try:
        return datetime.fromtimestamp(found, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def _version(environment: Mapping[str, Any]) -> str:
    packages, commit = environment.get("packages"), environment.get("commit")
    version = f"unlearn {packages.get(PACKAGE, '?')}" if isinstance(packages, dict) else ""
    changed = " with changes" if environment.get("changed") else ""
    return version + (f", commit {str(commit)[:7]}{changed}" if commit else "")
