"""A finished run told to a tracker afterwards, from what its folder holds."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unlearn_cli.tracking.final import REFERENCES, tell, track_references
from unlearn_cli.tracking.lineage import tell_lineage
from unlearn_cli.tracking.run_info import Described, run_id, run_info
from unlearn_cli.tracking.session import tracked
from unlearn_cli.tracking.tracker import Tracker

JOBS = {method: job for job, method in REFERENCES.items()} | {"checkpoint": "checkpoint"}
"""By method the kind of work, where that is not to unlearn."""
PICTURE = re.compile(r"epoch-(\d+)\.png")
OF_WANDB = re.compile(r"(?:offline-)?run-(\d+_\d+)-(.+)")
"""A folder of the client's: when a run began, and its id."""


@dataclass(frozen=True)
class Finished:
    """A run as its folder has it."""

    folder: Path
    described: Described
    result: Mapping[str, Any]
    """metrics.json."""
    history: Sequence[Mapping[str, Any]]
    """A row for each epoch, as the trainer kept it."""

    @property
    def id(self) -> str:
        """As while it went on: W&B's folders in the run's own end in it, wherever that was moved since."""
        names = [folder.name for folder in (self.folder / "wandb").glob("*run-*")]
        known = sorted(found.groups() for name in names if (found := OF_WANDB.fullmatch(name)))
        return known[-1][1] if known else run_id(self.folder)

    def pictures(self) -> Iterator[tuple[int, Path]]:
        """Grids of samples by the epoch after which they were drawn."""
        for path in sorted((self.folder / "figures" / "unlearning").glob("epoch-*.png")):
            if found := PICTURE.fullmatch(path.name):
                yield int(found.group(1)), path

    def figures(self) -> list[Path]:
        """The run's, and those of the choice of its forget set."""
        return [file for part in ("figures", "forget") for file in sorted((self.folder / part).glob("*.png"))]


def track_late(settings: Any, run: Finished, outputs: Path, first: Callable[[Path], bool]) -> Tracker:
    """Tell of the run, and of its original and oracle; the tracker, at its end.

    What the tracker has already of the run's curves is not sent again.

    Args:
        outputs: the folder below which W&B's files of originals and oracles are.
        first: whether an original or an oracle, by its folder there, is yet to be told of.
    """
    described = run.described
    job = JOBS.get(run.result["method"], "unlearn")
    info = run_info(described, run.id, job, described.identity, own=True)
    with tracked(settings, info, run.folder) as tracker:
        known = {stage: tracker.logged(stage) for stage in {row["stage"] for row in run.history}}
        for row in run.history:
            if row["step"] > known[row["stage"]]:
                tracker.epoch(row)
        for epoch, picture in run.pictures():
            tracker.picture("unlearn", epoch, "samples", picture)
        tell(tracker, run.result)
        for figure in run.figures():
            tracker.figure(figure.stem, figure)
        tell_lineage(tracker, run.folder, run.result, Path(described.config["paths"]["store"]))
    track_references(settings, lambda: described, run.result, outputs, first)
    return tracker
