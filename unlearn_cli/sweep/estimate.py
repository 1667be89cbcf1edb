"""How long things take, by what the store and the run folders have measured of their like."""

from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from unlearn_cli.config.variants import without_seeds
from unlearn_cli.experiment import Experiment
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.status import read_status
from unlearn_cli.storage.store import MANIFEST, manifest_of

DIFFER = ("rows", "split", "forget_rows")
"""Facts of an entry in which its like may differ, beside the seeds."""


def entry_seconds(store: Path, kind: str, facts: dict[str, Any]) -> float | None:
    """Median time in which entries of the same kind, recipe and data were made; None if none was."""
    wanted = alike(facts)
    entries = [_manifest(file.parent) for file in store.glob(f"{kind}/*/{MANIFEST}")]
    return _median(e.get("seconds") for e in entries if e and alike(e["facts"]) == wanted)


def run_seconds(experiment: Experiment) -> float | None:
    """Median time of finished runs of the same method, data, model and kind of forget set; None if none was.

    What they share with other runs is not in it.
    """
    name = experiment.choices["method"]
    statuses = [read_status(folder) for folder in experiment.folder.parent.glob(f"{name}-s*")]
    return _median(status.get("seconds") for status in statuses)


def alike(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts that are equal for entries that take the same time."""
    return {key: value for key, value in without_seeds(facts).items() if key not in DIFFER}


def _manifest(entry: Path) -> dict[str, Any]:
    try:
        return manifest_of(entry)
    except Damaged:  # it measures nothing
        return {}


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
