"""A run of W&B's that has begun: what is logged, under which name and over which axis."""

import functools
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec

import numpy as np

from unlearn_cli.config.nested import flat
from unlearn_cli.errors import in_a_line
from unlearn_cli.tracking.checks import check_writable
from unlearn_cli.tracking.tracker import Artifact, RunInfo, Tracker

if TYPE_CHECKING:
    import wandb

logger = logging.getLogger("unlearn")

TABLE_ROWS = 200
GLOSSARY = "glossary.json"
"""A file of the run: what each metric means."""
COURSE = "course"
SHARE = f"{COURSE}/share"
"""The axis from the original model (0) to the run's own (1)."""
MEASURED = ("", "metrics", "original", "oracle", "cost")
"""Parts of the summary in which a metric has its own direction."""

P = ParamSpec("P")


def _guarded(
    method: "Callable[Concatenate[WandbTracker, P], None]",
) -> "Callable[Concatenate[WandbTracker, P], None]":
    """Nothing after the end; the first failure is told and is the end."""

    @functools.wraps(method)
    def call(self: "WandbTracker", *args: P.args, **kwargs: P.kwargs) -> None:
        if not self.active:
            return
        try:
            method(self, *args, **kwargs)
        except Exception as error:
            self.active = False
            logger.warning(
                "W&B: %s failed (%s); tracking stops here, the run goes on. What was kept: wandb sync %s",
                method.__name__,
                in_a_line(error),
                self.folder,
            )
            reset()

    return call


class WandbTracker(Tracker):
    """A W&B run that has begun."""

    def __init__(self, run: "wandb.Run", info: RunInfo, artifacts: bool) -> None:
        self.run = run
        self._artifacts = artifacts
        self.active = True
        self.folder = run.settings.sync_dir
        self.where = f"offline; to send it: wandb sync {self.folder}" if run.offline else run.url or ""
        self._better = info.better
        self._axes: set[str] = set()
        logger.info("W&B: %s", self.where)
        if info.glossary:
            self._keep(GLOSSARY, json.dumps(info.glossary, indent=1, ensure_ascii=False))

    @_guarded
    def _keep(self, name: str, text: str) -> None:
        """As a file of the run."""
        file = Path(self.run.dir) / name
        file.write_text(text, encoding="utf-8")
        self.run.save(file, base_path=self.run.dir, policy="now", glob=False)

    @_guarded
    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        self._define(f"{stage}/*", axis := f"{stage}/step")
        self.run.log({f"{stage}/{name}": value for name, value in values.items()} | {axis: step})

    def logged(self, stage: str) -> int:
        if not self.run.resumed:
            return 0
        return int(self.run.summary.get(f"{stage}/step") or 0)

    @_guarded
    def course(self, original: Mapping[str, float], final: Mapping[str, float]) -> None:
        told: Any = self.run.summary if self.run.resumed else {}
        if all(told.get(f"metrics/{name}") == value for name, value in final.items()):
            return
        self._define(f"{COURSE}/*", SHARE, summary="none")  # the numbers are in the summary already
        for share, values in enumerate((original, final)):
            self.run.log({f"{COURSE}/{name}": value for name, value in values.items()} | {SHARE: share})

    @_guarded
    def picture(self, stage: str, epoch: int, name: str, path: Path) -> None:
        import wandb

        # Drawn within the epoch, before its row is logged: the row's step is not known yet.
        self._define(key := f"{stage}/{name}", axis := f"{stage}_pictures/epoch")
        self.run.log({key: wandb.Image(str(path)), axis: epoch})

    def _define(self, name: str, axis: str, summary: str | None = None) -> None:
        # An axis of its own: W&B's counter drops (online) or shifts (offline) what a resumed run logs again.
        if name not in self._axes:
            self._axes.add(name)
            self.run.define_metric(axis, hidden=True, summary=summary)
            self.run.define_metric(name, step_metric=axis, summary=summary)

    @_guarded
    def summary(self, values: Mapping[str, Any]) -> None:
        final = dict(flat(values, "/"))
        for key in final:
            if aim := _aim(key, self._better):
                # The direction, in what is left of `goal`. For a logged metric W&B would keep `KEY.min` in
                # place of `KEY`: final numbers are never logged, and so keep their plain names.
                self.run.define_metric(key, summary=aim)
        self.run.summary.update(final)

    def predictions(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.table("predictions", rows[:TABLE_ROWS])

    @_guarded
    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        import wandb

        columns: list[str | int] = list(dict.fromkeys(column for row in rows for column in row))
        data = [
            [wandb.Image(cell) if isinstance(cell := row.get(str(c)), np.ndarray) else cell for c in columns]
            for row in rows
        ]
        with _staging_in(Path(self.folder)):
            self.run.log({name: wandb.Table(columns=columns, data=data)})

    @_guarded
    def page(self, name: str, path: Path) -> None:
        import wandb

        self.run.log({name: wandb.Html(path.read_text(encoding="utf-8"), inject=False)})

    @_guarded
    def figure(self, name: str, path: Path) -> None:
        import wandb

        self.run.log({f"figures/{name}": wandb.Image(str(path))})

    @_guarded
    def used(self, artifact: Artifact) -> None:
        if not self._artifacts or not artifact.files:
            return
        if self.run.offline:  # the client takes it for an error
            logger.info(
                "W&B: offline it cannot be told what was used (%s); unlearn track does", artifact.name
            )
            return
        self.run.use_artifact(_of_wandb(artifact, "immutable"))

    @_guarded
    def made(self, artifact: Artifact) -> None:
        if not self._artifacts or not artifact.files:
            return
        with _staging_in(Path(self.folder)):
            logged = self.run.log_artifact(_of_wandb(artifact, "mutable"))
        if not self.run.offline:
            logged.wait()  # the end of a run waits a minute at most

    @_guarded
    def preempting(self) -> None:
        self.run.mark_preempting()

    @_guarded
    def finish(self, failed: bool = False) -> None:
        self.run.finish(exit_code=int(failed))
        # W&B loses records without a word when its disk is full.
        check_writable(Path(self.folder))
        self.active, self.complete = False, True


def _of_wandb(artifact: Artifact, policy: Literal["mutable", "immutable"]) -> "wandb.Artifact":
    """policy: whether the files may change before they are sent, and so are copied first."""
    import wandb

    found = wandb.Artifact(artifact.name, artifact.kind)
    for file in artifact.files:
        found.add_file(str(file), policy=policy)
    return found


@contextmanager
def _staging_in(folder: Path) -> Iterator[None]:
    """Keep a table's pictures beside the run: W&B puts them into the home directory and leaves them there."""
    name = "WANDB_DATA_DIR"
    if name in os.environ:
        yield
        return
    os.environ[name] = str(folder)
    try:
        yield
    finally:
        del os.environ[name]


def reset() -> None:
    """End W&B's background process: after a failure it would refuse or lose what follows."""
    import wandb

    try:
        wandb.teardown(exit_code=1)
    except Exception as error:
        logger.debug("W&B: its process had ended before: %s", in_a_line(error))


def _aim(key: str, better: Mapping[str, str]) -> str | None:
    """W&B's word for the direction of a final number such as `gap/UA`, `metrics/FID` or `avg_gap`."""
    part, _, name = key.rpartition("/")
    aims = {"lower": "min", "higher": "max"} if part in MEASURED else {}
    return (aims if part != "gap" else {"oracle": "min"}).get(better.get(name, ""))
