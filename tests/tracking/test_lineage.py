"""Artifacts with their lineage, by content: who made what, and who used it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import wandb
from fake_wandb import FakeWandb
from run_results import entries
from tiny_commands import EPOCH
from tiny_run import unlearn as made
from tracked_run import INFO, records, settings

from unlearn_cli.tracking.tracker import Artifact


def drawn(server: FakeWandb) -> dict[str, tuple[str, set[str]]]:
    """By artifact who made it and who used it, runs by their kind; without the tables."""
    kinds = {run.name: str(run.sent("jobType")) for run in server.runs.values()}
    return {
        one.name: (kinds[one.made_by], {kinds[user] for user in one.used_by})
        for one in server.artifacts.known.values()
        if one.kind in ("model", "forget-set")
    }


def test_lineage_of_a_run_told_live_and_afterwards(
    tmp_path: Path, server: FakeWandb, unlearn: Callable[..., Any]
) -> None:
    online = (f"paths.outputs={tmp_path}", "method=ga", EPOCH, "tracking=wandb", "tracking.artifacts=true")
    (result,) = made(*online)
    folder, keys = Path(result["folder"]), result["entries"]
    assert set(keys.values()) == {entry.name for entry in entries(tmp_path / "store", "model")}
    expected = {
        f"forget-set-{result['forget']['fingerprint']}": ("unlearn", {"unlearn"}),
        f"original-{keys['original']}": ("original-training", {"unlearn"}),
        f"oracle-{keys['oracle']}": ("oracle-training", {"unlearn"}),
        folder.name: ("unlearn", set()),
    }
    assert drawn(server) == expected
    files = {one.name: sorted(one.files) for one in server.artifacts.known.values()}
    assert files[folder.name] == ["model.json", "model.safetensors"]
    wandb.teardown()
    assert unlearn("track", str(folder)).code == 0  # with artifacts, as the run had them
    assert drawn(server) == expected
    assert len([one for one in server.artifacts.known.values() if one.kind == "model"]) == 3


def test_offline_what_was_made_is_kept_and_what_was_used_is_told(tmp_path: Path, caplog: Any) -> None:
    file = tmp_path / "forget.json"
    file.write_text("{}")
    tracker = settings(artifacts=True).start(INFO, tmp_path)
    with caplog.at_level("INFO", "unlearn"):
        tracker.used(Artifact("forget-set-1", "forget-set", [file]))
    tracker.made(Artifact("ga-s0", "model", [file]))
    file.unlink()  # as an entry of the store that is being made, which gets another name
    tracker.finish()
    assert tracker.complete
    assert "offline it cannot be told what was used (forget-set-1); unlearn track does" in caplog.text
    (kept,) = [record["artifact"] for record in records(tracker) if record["type"] == "artifact"]
    (content,) = kept["manifest"]["contents"]
    assert (kept["name"], kept["type"], content["path"]) == ("ga-s0", "model", "forget.json")
    assert Path(content["local_path"]).read_text() == "{}"


def test_none_unless_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "forget.json"
    file.write_text("{}")
    tracker = settings().start(INFO, tmp_path)
    tracker.made(Artifact("ga-s0", "model", [file]))
    tracker.finish()
    assert not [record for record in records(tracker) if record["type"] == "artifact"]
