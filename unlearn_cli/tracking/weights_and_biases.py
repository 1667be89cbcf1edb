"""Weights & Biases: online, offline where online cannot be had, nothing where even that fails.

A run never fails for its tracking: whatever W&B raises becomes one warning, and the run goes on.
"""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import in_a_line
from unlearn_cli.tracking.checks import check_online, check_writable, has_key
from unlearn_cli.tracking.given import PROJECT, given
from unlearn_cli.tracking.tracker import RunInfo, Tracker
from unlearn_cli.tracking.wandb_tracker import WandbTracker, reset

if TYPE_CHECKING:
    import wandb

logger = logging.getLogger("unlearn")

INIT_SECONDS = 30  # W&B's own limit is 90 s, which a server that is down uses up
FINISH_SECONDS = 60  # W&B itself has no limit: a server that went down would hold the run for ever
TAG_LENGTH = 64  # W&B refuses longer ones

Tag = Annotated[str, Field(min_length=1, max_length=TAG_LENGTH)]


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
    artifacts: bool = Field(
        description="send forget set, original, oracle and unlearned model as artifacts, with their lineage"
    )

    @property
    def destination(self) -> str:
        """The entity and the project, as far as they are named."""
        entity = self.entity or os.environ.get("WANDB_ENTITY", "")
        return f"{entity}/{self.project or os.environ.get('WANDB_PROJECT') or PROJECT}"

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
                return WandbTracker(self._init(info, folder, "online"), info, self.artifacts)
        except Exception as error:
            logger.warning("W&B: cannot go online (%s); this run is tracked offline", in_a_line(error))
            reset()
        try:
            return WandbTracker(self._init(info, folder, "offline"), info, self.artifacts)
        except Exception as error:
            logger.warning("W&B: cannot start offline (%s); this run is not tracked", in_a_line(error))
            reset()
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
