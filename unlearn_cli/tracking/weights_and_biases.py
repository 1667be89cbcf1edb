"""Weights & Biases: online, offline where online cannot be had, nothing where even that fails.

A run never fails for its tracking: whatever W&B raises becomes one warning, and the run goes on.
"""

import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Literal, ParamSpec

import numpy as np
from pydantic import Field

from unlearn_cli.config.nested import flat
from unlearn_cli.config.settings import Settings
from unlearn_cli.tracking.checks import check_online, check_writable, has_key
from unlearn_cli.tracking.given import PROJECT, given
from unlearn_cli.tracking.tracker import RunInfo, Tracker

if TYPE_CHECKING:
    import wandb

logger = logging.getLogger("unlearn")

INIT_SECONDS = 30  # W&B's own limit is 90 s, which a server that is down uses up
FINISH_SECONDS = 60  # W&B itself has no limit: a server that went down would hold the run for ever
TABLE_ROWS = 200
TAG_LENGTH = 64  # W&B refuses longer ones

Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]
P = ParamSpec("P")


class WandbSettings(Settings):
    """`tracking=wandb`."""

    mode: Literal["auto", "online", "offline"] = Field(
        description="auto: online when a key is configured, else offline"
    )
    project: str | None = Field(
        min_length=1,
        max_length=128,
        pattern=r"^[^/\\#?%:]+$",
        description="project of W&B, made if there is none; null: WANDB_PROJECT, or unlearn",
    )
    entity: str | None = Field(description="user or team; null: WANDB_ENTITY, or the key's default")
    group: str | None = Field(description="group of the run; null: WANDB_RUN_GROUP, or data/model/forget set")
    tags: list[Tag] = Field(description="tags beside the run's own and those of WANDB_TAGS")
    name: str | None = Field(
        description="name of the command's own run; null: WANDB_NAME, or data, method and seed. Originals, "
        "oracles, judges keep theirs"
    )

    def start(self, info: RunInfo, folder: Path) -> Tracker:
        """Begin or continue the run `info.id`; W&B keeps its files in `folder`/wandb. Never raises.

        WANDB_DIR goes before the folder, and for the command's own run WANDB_RUN_ID before `info.id`.
        """
        folder = Path(os.environ.get("WANDB_DIR") or folder)
        try:
            check_writable(folder / "wandb")
        except OSError as error:
            logger.warning("W&B: cannot write to its folder (%s); this run is not tracked", error)
            return Tracker()
        try:
            mode = self._mode()
            if mode == "disabled":
                logger.info("W&B: disabled by WANDB_MODE or `wandb disabled`")
                return Tracker()
            if mode == "online":
                check_online()
                return WandbTracker(self._init(info, folder, "online"), info.better)
        except Exception as error:
            logger.warning("W&B: cannot go online (%s); this run is tracked offline", _line(error))
            _reset()
        try:
            return WandbTracker(self._init(info, folder, "offline"), info.better)
        except Exception as error:
            logger.warning("W&B: cannot start offline (%s); this run is not tracked", _line(error))
            _reset()
            return Tracker()

    def _mode(self) -> str:
        if self.mode != "auto":
            return self.mode
        import wandb

        wanted = wandb.setup().settings.mode  # "online" unless WANDB_MODE or `wandb offline` says otherwise
        return "offline" if wanted == "online" and not has_key() else wanted

    def _init(self, info: RunInfo, folder: Path, mode: Literal["online", "offline"]) -> "wandb.Run":
        import wandb

        with given(info.own) as environment:
            in_sweep = bool(environment.sweep_id)  # whose agent knows the run by its id
            group = self.group or environment.run_group or info.group
            name = (info.own and (self.name or environment.run_name)) or info.name
            tags = (*info.tags, *self.tags, *(environment.run_tags or ()))
            return wandb.init(
                mode=mode,
                project=None if in_sweep else self.project or environment.project or PROJECT,
                entity=None if in_sweep else self.entity,
                id=None if in_sweep else environment.run_id or info.id,
                resume="allow",
                name=name,
                group=group,
                job_type=info.job_type,
                tags=list(dict.fromkeys(tag[:TAG_LENGTH] for tag in tags)),
                config=info.config,
                dir=str(folder),
                reinit="create_new",  # no global wandb.run
                settings=wandb.Settings(
                    silent=True,
                    console="off",
                    init_timeout=INIT_SECONDS,
                    finish_timeout=FINISH_SECONDS,
                    finish_timeout_raises=True,
                ),
            )


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
                _line(error),
                self.folder,
            )
            _reset()

    return call


class WandbTracker(Tracker):
    """A W&B run that has begun."""

    def __init__(self, run: "wandb.Run", better: Mapping[str, str]) -> None:
        self.run = run
        self.active = True
        self.folder = run.settings.sync_dir
        self.where = f"offline; to send it: wandb sync {self.folder}" if run.offline else run.url or ""
        self._better = better
        self._stages: set[str] = set()
        logger.info("W&B: %s", self.where)

    @_guarded
    def log(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        self._define(stage)
        self.run.log({f"{stage}/{name}": value for name, value in values.items()} | {f"{stage}/step": step})

    @_guarded
    def picture(self, stage: str, step: int, name: str, path: Path) -> None:
        import wandb

        self._define(stage)
        self.run.log({f"{stage}/{name}": wandb.Image(str(path)), f"{stage}/step": step})

    def _define(self, stage: str) -> None:
        # A step of one's own: W&B's counter drops (online) or shifts (offline) what a resumed run logs again.
        if stage not in self._stages:
            self._stages.add(stage)
            self.run.define_metric(f"{stage}/step", hidden=True)
            self.run.define_metric(f"{stage}/*", step_metric=f"{stage}/step")

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
    def preempting(self) -> None:
        self.run.mark_preempting()

    @_guarded
    def finish(self, failed: bool = False) -> None:
        self.run.finish(exit_code=int(failed))
        # W&B loses records without a word when its disk is full.
        check_writable(Path(self.folder))
        self.active = False


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


def _reset() -> None:
    """End W&B's background process: after a failure it would refuse or lose what follows."""
    import wandb

    try:
        wandb.teardown(exit_code=1)
    except Exception as error:
        logger.debug("W&B: its process had ended before: %s", _line(error))


def _aim(key: str, better: Mapping[str, str]) -> str | None:
    """W&B's word for the direction of a final number such as `gap/UA`, `metrics/FID` or `avg_gap`."""
    part, _, name = key.rpartition("/")
    aims = {"oracle": "min"} if part == "gap" else {"lower": "min", "higher": "max"}
    return aims.get(better.get(name, ""))


def _line(error: Exception) -> str:
    return " ".join(f"{error}".split()) or type(error).__name__
