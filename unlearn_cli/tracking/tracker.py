"""The tracker that does nothing, and so the interface of those that do something."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unlearn_cli.config.settings import Settings


@dataclass(frozen=True)
class RunInfo:
    """What a tracker is told about a run before it begins.

    `id` comes from the run's key and not from chance, so that a requeued run continues its own; it holds
    none of `:;,#?/'`. `config` is the resolved configuration with the git commit and the versions in it.
    `better` gives final numbers their direction, by metric: "higher", "lower" or, where closeness to the
    retrained model is the aim, "oracle". `own` is false for models that others take from the store too.
    """

    id: str
    name: str
    group: str
    job_type: str  # "original", "oracle", "unlearn", ...
    tags: tuple[str, ...]
    config: dict[str, Any]
    better: Mapping[str, str] = field(default_factory=dict)
    own: bool = True


class Tracker:
    """Receives a run's numbers and pictures. This one drops them; no method ever raises."""

    where = "not tracked"
    """Where to look at the run, for a reader."""

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve `stage/name`, at the stage's own step."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """One row of a trainer's history: a point of each of its curves, at the stage's epoch."""
        values = {name: value for name, value in row.items() if name not in ("stage", "epoch", "step")}
        self.log(row["stage"], row["epoch"], values)

    def picture(self, stage: str, step: int, name: str, path: Path) -> None:
        """One picture (PNG) of a series, at the stage's own step."""

    def summary(self, values: Mapping[str, Any]) -> None:
        """The run's final numbers; a nested mapping becomes keys with "/" between."""

    def predictions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table of samples: the same columns in every row; pictures are arrays (H, W, C) uint8."""

    def figure(self, name: str, path: Path) -> None:
        """A picture file (PNG)."""

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """A table of all columns that any row has; pictures are arrays (H, W, C) uint8."""

    def page(self, name: str, path: Path) -> None:
        """A page (HTML) that needs no other file."""

    def preempting(self) -> None:
        """The scheduler takes the machine away; the same run will go on later."""

    def finish(self, failed: bool = False) -> None:
        """The end: waits until everything is sent or kept. Later calls do nothing."""


class NullSettings(Settings):
    """`tracking=none`."""

    def start(self, info: RunInfo, folder: Path) -> Tracker:
        return Tracker()
