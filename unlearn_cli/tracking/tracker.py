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
    retrained model is the aim, "oracle". `glossary` says what each metric means. `own` is false for models
    that others take from the store too.
    """

    id: str
    name: str
    group: str
    job_type: str  # "original", "oracle", "unlearn", ...
    tags: tuple[str, ...]
    config: dict[str, Any]
    better: Mapping[str, str] = field(default_factory=dict)
    glossary: Mapping[str, str] = field(default_factory=dict)
    own: bool = True


@dataclass(frozen=True)
class Artifact:
    """Files that one run makes and others use; the same content under the same name is one."""

    name: str
    kind: str  # "model", "forget-set"
    files: Sequence[Path]


class Tracker:
    """Receives a run's numbers and pictures. This one drops them; no method ever raises."""

    where = "not tracked"
    """Where to look at the run, for a reader."""
    complete = False
    """Whether all was taken, at the end."""

    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve `stage/name`, at the stage's own step."""

    def epoch(self, row: Mapping[str, Any]) -> None:
        """One row of a trainer's history: a point of each of its curves, the epoch being one, at its step."""
        self.log(row["stage"], row["step"], {k: v for k, v in row.items() if k not in ("stage", "step")})

    def logged(self, stage: str) -> int:
        """The last step of the stage that was logged before this start; 0: none, as far as can be told."""
        return 0

    def course(self, original: Mapping[str, float], final: Mapping[str, float]) -> None:
        """Each metric as a line `course/name` from the original model (0) to this one (1): flat where the run
        is a reference, so that an oracle is a line beside the methods, however many steps these have."""

    def picture(self, stage: str, epoch: int, name: str, path: Path) -> None:
        """One picture (PNG) of a series, at the stage's epoch."""

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

    def used(self, artifact: Artifact) -> None:
        """What the run was made from; without files, nothing."""

    def made(self, artifact: Artifact) -> None:
        """What it made. The files may go or change afterwards."""

    def preempting(self) -> None:
        """The scheduler takes the machine away; the same run will go on later."""

    def finish(self, failed: bool = False) -> None:
        """The end: waits until everything is sent or kept. Later calls do nothing."""


class NullSettings(Settings):
    """`tracking=none`."""

    @property
    def destination(self) -> str | None:
        """Where runs are told; None: nowhere."""
        return None

    def start(self, info: RunInfo, folder: Path) -> Tracker:
        return Tracker()
