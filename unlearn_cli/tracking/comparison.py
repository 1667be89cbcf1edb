"""A comparison of finished runs as one W&B run: its table, its page and the best of each setting."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.tracking.tracker import RunInfo
from unlearn_cli.tracking.weights_and_biases import WandbSettings


def publish(
    rows: Sequence[Mapping[str, Any]], page: Path | None, project: str, entity: str | None, name: str
) -> str:
    """Send the comparison `name` to W&B, or keep it for `wandb sync` where W&B is offline.

    The run's id follows from the name: the same name again updates the same run.

    Args:
        rows: flat columns as of `unlearn_cli.compare.rows` (`setting`, `method`, `rank`, `UA/mean`, …).
        page: the comparison as a self-contained HTML page; W&B's files lie beside it, else in the folder
            of the call.

    Returns:
        Where it is: an URL, or the command that sends it.
    """
    settings = WandbSettings(
        mode="auto", project=project, entity=entity, group=None, tags=[], name=None, artifacts=False
    )
    info = RunInfo(
        id=key_of({"comparison": name}),
        name=name,
        group="comparison",
        job_type="comparison",
        tags=("comparison",),
        config={"settings": sorted({str(row["setting"]) for row in rows}), "rows": len(rows)},
    )
    tracker = settings.start(info, page.parent if page else Path())
    tracker.table("comparison", rows)
    if page:
        tracker.page("page", page)
    tracker.summary({"best": {setting.replace(".", "_"): row for setting, row in best(rows).items()}})
    tracker.finish()
    return tracker.where


def best(rows: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By setting, the row in bold; a setting that cannot tell methods apart has none."""
    return {row["setting"]: row for row in rows if row["best"]}
