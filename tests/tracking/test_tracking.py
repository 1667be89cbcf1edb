"""The tracker with the real W&B client: files read back, online against the fake server."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml
from fake_wandb import FakeWandb
from PIL import Image
from pydantic import ValidationError
from tracked_run import (
    CONF,
    INFO,
    KEY,
    exit_codes,
    folders,
    records,
    rows,
    run_of,
    sample,
    settings,
    summary_of,
)

from unlearn_cli.tracking import NullSettings, RunInfo, Tracker


def test_none_tracks_nothing(tmp_path: Path) -> None:
    values = yaml.safe_load((CONF / "none.yaml").read_text())
    assert values == {"_target_": "unlearn_cli.tracking.NullSettings"}
    tracker = NullSettings().start(INFO, tmp_path)
    tracker.log("unlearn", 0, {"loss": 1.0})
    tracker.summary({"UA": 1.0})
    tracker.predictions([sample(0)])
    tracker.figure("curves", tmp_path / "absent.png")
    tracker.picture("unlearn", 0, "samples", tmp_path / "absent.png")
    tracker.preempting()
    tracker.finish()
    assert list(tmp_path.iterdir()) == []


def test_wandb_is_imported_by_nothing_but_a_run() -> None:
    code = "import sys, unlearn_cli.tracking; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.parametrize("wrong", [{"project": "a/b"}, {"tags": ["t" * 65]}, {"mode": "on"}, {"nmae": "x"}])
def test_settings_refuse_what_wandb_would_refuse_later(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_offline_run_holds_everything(tmp_path: Path, warnings: list[str]) -> None:
    tracker = settings(tags=["mine", "salun"], name="try", project="forgetting").start(INFO, tmp_path)
    for step in range(3):
        tracker.log("unlearn", 10 * step, {"loss": 1.0 / (step + 1)})
    tracker.summary({"UA": 5.5, "gap": {"UA": 0.25, "avg": 0.5}})
    tracker.predictions([sample(row) for row in range(201)])
    tracker.finish(failed=True)
    tracker.log("unlearn", 99, {"loss": 9.0})  # after the end: nothing

    found = records(tracker)
    run = run_of(found)
    assert [run[key] for key in ("run_id", "display_name", "project", "run_group", "job_type", "tags")] == [
        "salun-0f3a", "try", "forgetting", "digits/resnet20/random", "unlearn", ["salun", "digits", "mine"],
    ]  # fmt: skip
    config = run["config"]["update"]
    assert {key: config[key] for key in INFO.config} == INFO.config
    points = [row for row in rows(found) if "unlearn/step" in row]
    assert [(row["unlearn/step"], row["unlearn/loss"]) for row in points] == [
        (0, 1.0),
        (10, 0.5),
        (20, pytest.approx(1 / 3)),
    ]
    metrics = [r["metric"] for r in found if r["type"] == "metric"]
    assert [m["step_metric"] for m in metrics if m.get("glob_name") == "unlearn/*"] == ["unlearn/step"]
    summary = summary_of(found)
    assert (summary["UA"], summary["gap/UA"], summary["gap/avg"]) == (5.5, 0.25, 0.5)
    assert exit_codes(found) == [1]
    [artifact] = [r["artifact"] for r in found if r["type"] == "artifact"]
    pictures = [f for f in artifact["manifest"]["contents"] if f["path"].endswith(".png")]
    assert len(pictures) == 200
    assert all(Path(f["local_path"]).is_relative_to(tmp_path) for f in pictures)
    assert "WANDB_DATA_DIR" not in os.environ
    assert warnings == []


def test_final_numbers_keep_their_names_and_have_a_direction(tmp_path: Path, server: FakeWandb) -> None:
    better = {"UA": "oracle", "KL": "lower", "recall": "higher", "avg_gap": "lower", "seconds": "lower"}
    info = replace(INFO, better=better)
    for start in (0, 1):  # the second resumes, and finds other values
        tracker = settings().start(info, tmp_path)
        tracker.log("unlearn", start, {"loss": 1.0, "UA": 50.0 - start})
        tracker.summary(
            {"metrics": {"UA": 5.0, "KL": 0.25 + start, "recall": 75}, "gap": {"UA": 1.0, "KL": 0.5}}
            | {"avg_gap": 2.0 + start, "cost": {"seconds": 9.0, "steps": 4}}
        )
        tracker.finish()
        wandb.teardown()
    run = server.runs[INFO.id]
    assert {key: value for key, value in run.summary.items() if not key.startswith("_")} == {
        **{"metrics/UA": 5, "metrics/KL": 1.25, "metrics/recall": 75, "gap/UA": 1, "gap/KL": 0.5},
        **{"avg_gap": 3, "cost/seconds": 9, "cost/steps": 4},
        **{"unlearn/step": 1, "unlearn/loss": 1, "unlearn/UA": 49},  # the last, not the best
    }
    aims = {metric["1"]: metric["7"] for metric in run.config["_wandb"]["m"] if metric.get("7")}
    least, most = [1], [2]  # W&B's numbers for summary="min" and "max"
    assert aims == {
        **{"metrics/KL": least, "metrics/recall": most, "gap/UA": least},
        **{"avg_gap": least, "cost/seconds": least},
    }


def test_pictures_of_a_series_and_in_several_columns(tmp_path: Path, warnings: list[str]) -> None:
    """A grid of samples after each epoch; a table with a picture of every model."""
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "grid.png")
    tracker = settings().start(INFO, tmp_path)
    for epoch in (1, 2):
        tracker.picture("unlearn", epoch, "samples", tmp_path / "grid.png")
    shades = np.arange(2, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 1), np.uint8)
    tracker.predictions([{"class": "3", "original": shades[0], "salun": shades[1], "salun (%)": 0.0}])
    tracker.finish()
    found = records(tracker)
    points = [row for row in rows(found) if "unlearn_pictures/epoch" in row]
    assert [row["unlearn_pictures/epoch"] for row in points] == [1, 2]
    assert [row["unlearn/samples._type"] for row in points] == ["image-file"] * 2
    [artifact] = [r["artifact"] for r in found if r["type"] == "artifact"]
    pictures = [f for f in artifact["manifest"]["contents"] if f["path"].endswith(".png")]
    assert len(pictures) == 2
    assert warnings == []


def test_requeued_offline_run_keeps_its_id_and_its_steps(tmp_path: Path) -> None:
    first = settings().start(INFO, tmp_path)
    for step in range(4):
        first.log("unlearn", step, {"loss": step})
    first.preempting()
    first.finish(failed=True)
    wandb.teardown()  # as in a process of its own
    second = settings().start(INFO, tmp_path)
    second.log("unlearn", 2, {"loss": 2})  # from an older checkpoint: step 2 again
    second.finish()

    one, two = records(first), records(second)
    assert run_of(one)["run_id"] == run_of(two)["run_id"] == INFO.id
    assert [row["unlearn/step"] for row in rows(one)] == [0, 1, 2, 3]
    assert [row["unlearn/step"] for row in rows(two)] == [2]
    assert any(r["type"] == "preempting" for r in one)


def test_online_run_arrives_at_the_server(tmp_path: Path, server: FakeWandb, warnings: list[str]) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "curves.png")
    tracker = settings().start(INFO, tmp_path)
    for step in range(50):
        tracker.log("original" if step < 25 else "unlearn", step, {"loss": step / 2})
    tracker.summary({"UA": 5.5, "gap": {"UA": 0.25}})
    tracker.predictions([sample(row) for row in range(201)])
    tracker.figure("curves", tmp_path / "curves.png")
    tracker.finish()

    run = server.runs[INFO.id]
    assert [run.sent(k) for k in ("project", "displayName", "groupName", "jobType", "tags")] == [
        "unlearn", INFO.name, INFO.group, "unlearn", ["salun", "digits"],
    ]  # fmt: skip
    assert {key: run.config[key] for key in INFO.config} == INFO.config
    points = [(r["unlearn/step"], r["unlearn/loss"]) for r in run.rows if "unlearn/step" in r]
    assert points == [(step, step / 2) for step in range(25, 50)]
    assert (run.summary["UA"], run.summary["gap/UA"]) == (5.5, 0.25)
    table = next(json.loads(v) for k, v in run.files.items() if k.endswith(".table.json"))
    assert table["columns"] == ["image", "label", "original", "unlearned", "oracle"]
    assert [row[4] for row in table["data"]] == [str(row) for row in range(200)]
    assert any(name.startswith("media/images/figures/curves") for name in run.files)
    assert run.exit_codes == [0]
    assert warnings == []


def test_same_id_is_resumed_online(tmp_path: Path, server: FakeWandb) -> None:
    for start, failed in ((0, True), (3, False)):
        tracker = settings().start(INFO, tmp_path)
        for step in range(start, start + 5):
            tracker.log("unlearn", step, {"loss": step})
        if failed:
            tracker.preempting()
        tracker.finish(failed)
        wandb.teardown()
    run = server.runs[INFO.id]
    assert [row["unlearn/step"] for row in run.rows] == [0, 1, 2, 3, 4, 3, 4, 5, 6, 7]
    assert [row["_step"] for row in run.rows] == list(range(10))
    assert run.preempting
    assert run.exit_codes == [1, 0]


def test_original_oracle_and_main_run_follow_one_another(tmp_path: Path, server: FakeWandb) -> None:
    chosen = settings(name="mine", group="paper")
    for kind in ("original", "oracle", "unlearn"):
        info = RunInfo(kind, f"digits-{kind}", "derived", kind, (), {}, own=kind == "unlearn")
        tracker = chosen.start(info, tmp_path / kind)
        tracker.log("train", 0, {"loss": 1.0})
        tracker.finish()
        assert wandb.run is None
    assert [run.sent("displayName") for run in server.runs.values()] == [
        "digits-original",
        "digits-oracle",
        "mine",
    ]
    assert {run.sent("groupName") for run in server.runs.values()} == {"paper"}
    assert [len(run.rows) for run in server.runs.values()] == [1, 1, 1]


def test_auto_finds_the_key_of_wandb_login(
    tmp_path: Path, server: FakeWandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    host = server.url.removeprefix("http://")
    (tmp_path / "netrc").write_text(f"machine {host}\n  login user\n  password {KEY}\n")
    (tmp_path / "netrc").chmod(0o600)
    settings().start(INFO, tmp_path).finish()
    assert list(server.runs) == [INFO.id]


def test_auto_respects_wandb_mode(tmp_path: Path, server: FakeWandb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    settings().start(INFO, tmp_path).finish()
    assert len(folders(tmp_path, "offline-")) == 1
    wandb.teardown()
    monkeypatch.setenv("WANDB_MODE", "disabled")
    assert type(settings().start(INFO, tmp_path / "two")) is Tracker
    assert server.runs == {}
