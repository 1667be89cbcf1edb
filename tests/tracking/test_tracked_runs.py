"""The command with W&B: what is trained and what is judged are runs, as W&B's own reader finds them."""

import json
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest
import wandb
from run_results import run_folders, state
from tiny_commands import EPOCH
from tiny_processes import signalled
from tiny_run import unlearn
from tracked_run import exit_codes, offline, read, rows, run_of, summary_of, sync, use

from unlearn_cli.tracking import weights_and_biases
from unlearn_cli.tracking.report import read_project

OFFLINE = ("tracking=wandb", "tracking.mode=offline")


def tracked(outputs):
    """What W&B's reader finds of each run: by job type, its records."""
    wandb.teardown()  # the client writes its files a moment after `finish`
    runs = {}
    for folder in offline(outputs):
        found = read(folder)
        runs.setdefault(run_of(found)["job_type"], []).append(found)
    return runs


def curves(found):
    """Rows of history with a step of their own, without the media."""
    return [row for row in rows(found) if any(key.endswith("/step") for key in row)]


def points(run, stage):
    """What a chart draws of a stage: the values over its step, as the server has them."""
    return [
        (row[f"{stage}/step"], {key: row[key] for key in sorted(row) if key.startswith(f"{stage}/")})
        for row in run.rows
        if f"{stage}/step" in row
    ]


TRAINING = ("original-training", "oracle-training")
REFERENCES = ("original", "oracle")


def test_trainings_method_and_references_are_runs(tmp_path, capsys):
    (result,) = unlearn(f"paths.outputs={tmp_path}", "method=salun", EPOCH, *OFFLINE, figures=True)
    runs = tracked(tmp_path)
    assert {job: len(found) for job, found in runs.items()} == dict.fromkeys(
        (*TRAINING, *REFERENCES, "unlearn"), 1
    )
    for job, (found,) in runs.items():
        run = run_of(found)
        method = "salun" if job == "unlearn" else job
        assert run["run_group"] == "digits/resnet20/random"
        assert run["display_name"] == f"digits-random-{method}-s0"
        assert run["tags"] == [method, "digits", "resnet20", "random"]
        assert exit_codes(found) == [0]
        stage = job.removesuffix("-training")
        epochs = {"unlearn": 1, "original": 0, "oracle": 0}.get(job, 2)
        assert [row[f"{stage}/epoch"] for row in curves(found)] == [*range(1, epochs + 1)]
        steps = [row[f"{stage}/step"] for row in curves(found)]
        assert steps == [epoch * (steps or [0])[0] for epoch in range(1, epochs + 1)]
        assert all(f"{stage}/val/acc" in row for row in curves(found))
    for job in REFERENCES:  # so that it is a line beside the methods
        ((found,), values) = runs[job], result[job]
        assert summary_of(found)["metrics/UA"] == pytest.approx(values["UA"])
        assert [row["course/UA"] for row in rows(found)] == pytest.approx([values["UA"]] * 2)

    (unlearned,) = runs["unlearn"]
    numbers = summary_of(unlearned)
    for name, value in result["metrics"].items():
        assert numbers[f"metrics/{name}"] == pytest.approx(value)
    for name, value in result["gap"].items():
        assert numbers[f"gap/{name}"] == pytest.approx(value)
    assert numbers["avg_gap"] == pytest.approx(result["avg_gap"])
    media = {key.split(".")[0] for row in rows(unlearned) for key in row}
    assert {"predictions", "figures/training_curves", "figures/confidence"} <= media
    config = run_of(unlearned)["config"]["update"]
    assert config["method"]["lr"] > 0
    assert config["environment"]["packages"]["torch"]

    unlearn(f"paths.outputs={tmp_path}", "method=ga", EPOCH, *OFFLINE)  # on the same original and oracle
    assert len(offline(tmp_path)) == 6
    unlearn(f"paths.outputs={tmp_path}", "method=ga", EPOCH, "tracking=wandb", "tracking.project=other")
    assert len(offline(tmp_path)) == 6  # finished
    (folder,) = [folder for folder in run_folders(tmp_path) if folder.name.startswith("ga-")]
    assert f"to track it: unlearn track {folder}" in capsys.readouterr().err


def test_offline_sweep_synced_groups_its_seeds_and_sorts_by_gap(tmp_path, server):
    command = (f"paths.outputs={tmp_path}", *OFFLINE, "tracking.group=paper")
    unlearn("-m", *command, "method=ga", "seed=0,1", EPOCH)
    unlearn(*command, "method=retrain", "tracking.name=mine")  # the oracle of seed 0, evaluated
    results = [json.loads((folder / "metrics.json").read_text()) for folder in run_folders(tmp_path)]
    sync(tmp_path)
    runs = list(server.runs.values())
    assert {run.sent("groupName") for run in runs} == {"paper"}  # originals and oracles with the others
    by_variant = {}
    for run in runs:
        by_variant.setdefault(run.config["variant"], []).append(run)
    seeds = {name.split("-")[0]: {r.config["seed"] for r in found} for name, found in by_variant.items()}
    assert seeds == {"original": {0, 1}, "oracle": {0, 1}, "ga": {0, 1}, "retrain": {0}}
    assert len(by_variant) == 6  # two are of trainings
    assert len(runs) == 11
    assert [run.config["chosen"]["method"] for run in runs if run.sent("displayName") == "mine"] == [
        "retrain"
    ]

    trained = {"original-training": ("original", [1, 2]), "oracle-training": ("oracle", [1, 2])}
    for run in runs:
        stage, epochs = (trained | {"ga": ("unlearn", [1])}).get(run.config["chosen"]["method"], ("", []))
        assert [values[f"{stage}/epoch"] for _, values in points(run, stage)] == epochs
    sent = {
        (run.config["chosen"]["method"], run.config["seed"]): run.summary["avg_gap"]
        for run in runs
        if "avg_gap" in run.summary
    }
    told = {key: value for key, value in sent.items() if key[0] not in REFERENCES}
    assert told == {(r["method"], r["seed"]): pytest.approx(r["avg_gap"]) for r in results}
    assert sent["retrain", 0] == sent["oracle", 0] == sent["oracle", 1] == 0
    assert sent["original", 0] > 0

    found = read_project(None, "unlearn", ["paper"])
    assert found.settings == ("digits/resnet20/random fraction:0.1",)
    assert {"avg_gap", "gap/UA", "metrics/RA", "cost/seconds"} <= set(found.numbers)
    assert "unlearn/val/acc" in found.curves


def test_requeued_offline_run_syncs_to_one_run_without_shifted_steps(tmp_path, server):
    """Stopped twice; the third start goes on from the first stop's checkpoint: epoch 2 is logged again."""
    command = (f"paths.outputs={tmp_path}", "method=ft", "method.epochs=3", "method.batch_size=16")
    command += (*OFFLINE, "checkpoint_minutes=0", "oracle=false")
    checkpoint = "unlearn.resume.pt"
    assert signalled(signal.SIGTERM, checkpoint, 8, *command) == 143  # six steps are an epoch
    (file,) = tmp_path.rglob(checkpoint)
    older = file.read_bytes()
    assert signalled(signal.SIGTERM, checkpoint, 8, *command) == 143
    file.write_bytes(older)
    (result,) = unlearn(*command)

    sent = [run_of(read(folder))["run_id"] for folder in sync(tmp_path)]
    assert sorted(Counter(sent).values()) == [1, 1, 3]  # the original trained, and judged; the run thrice
    (run,) = [run for run in server.runs.values() if run.sent("jobType") == "unlearn"]
    assert sent.count(run.name) == 3
    assert run.preempting
    assert [values["unlearn/epoch"] for _, values in points(run, "unlearn")] == [1, 2, 2, 3]
    history = json.loads((Path(result["folder"]) / "history.json").read_text())
    drawn = {row["step"]: row for row in history if row["stage"] == "unlearn"}
    for step, values in points(run, "unlearn"):  # the points of epoch 2 lie on one another
        kept = {f"unlearn/{k}": v for k, v in drawn[step].items() if k not in ("stage", "step")}
        timeless = kept.keys() - {"unlearn/seconds"}
        assert timeless
        assert {key: values[key] for key in timeless} == pytest.approx({key: kept[key] for key in timeless})
    assert run.summary["unlearn/step"] == max(drawn)
    for name, value in result["metrics"].items():
        assert run.summary[f"metrics/{name}"] == pytest.approx(value)


AGENT = {
    "WANDB_SWEEP_ID": "sweep1",
    "WANDB_RUN_ID": "agents-run",
    "WANDB_PROJECT": "theirs",
    "WANDB_ENTITY": "team",
    "WANDB_RUN_GROUP": "paper",
    "WANDB_NAME": "mine",
    "WANDB_TAGS": "a,b",
}


def test_the_run_that_an_agent_waits_for_is_the_commands_own(tmp_path, monkeypatch):
    for name, value in AGENT.items():
        monkeypatch.setenv(name, value)
    wandb.teardown()
    unlearn(f"paths.outputs={tmp_path}", "method=ga", EPOCH, *OFFLINE)
    runs = {job: run_of(found) for job, (found,) in tracked(tmp_path).items()}
    assert runs.keys() == {*TRAINING, *REFERENCES, "unlearn"}
    assert runs["unlearn"]["run_id"] == "agents-run"
    assert runs["unlearn"]["sweep_id"] == "sweep1"
    assert runs["unlearn"]["display_name"] == "mine"
    for job in (*TRAINING, *REFERENCES):
        assert not runs[job].get("sweep_id")
        assert runs[job]["display_name"] == f"digits-random-{job}-s0"
    assert len({run["run_id"] for run in runs.values()}) == 5
    for run in runs.values():
        assert (run["project"], run["entity"], run["run_group"]) == ("theirs", "team", "paper")
        assert {"a", "b", "digits"} <= set(run["tags"])


def test_a_key_goes_before_a_variable_and_one_id_is_not_for_several_runs(tmp_path, monkeypatch, capsys):
    for name in ("WANDB_PROJECT", "WANDB_RUN_GROUP", "WANDB_RUN_ID"):
        monkeypatch.setenv(name, "of-the-environment")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path / "scratch"))
    command = (f"paths.outputs={tmp_path / 'outputs'}", "method=ga", EPOCH, *OFFLINE, "oracle=false")
    unlearn("-m", *command, "seed=0,1", "tracking.project=mine", "tracking.group=ours")
    runs = tracked(tmp_path / "scratch")
    assert not offline(tmp_path / "outputs")
    assert "WANDB_RUN_ID=of-the-environment names one run, these are 2" in capsys.readouterr().err
    found = [run_of(found) for job in runs.values() for found in job]
    assert {run["run_id"] for run in found}.isdisjoint({"of-the-environment"})
    assert len({run["run_id"] for run in found}) == len(found) == 6
    assert {(run["project"], run["run_group"]) for run in found} == {("mine", "ours")}


def test_a_dead_server_costs_no_result(tmp_path, monkeypatch, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    use(monkeypatch, f"http://127.0.0.1:{port}")
    arguments = (f"paths.outputs={tmp_path}", "method=ga", EPOCH, "tracking=wandb", "tracking.mode=online")
    (result,) = unlearn(*arguments)
    (folder,) = run_folders(tmp_path)
    assert state(folder) == "finished"
    assert result["metrics"]["RA"] >= 0
    assert "tracked offline" in capsys.readouterr().err
    assert tracked(tmp_path)["unlearn"]


def test_a_client_that_breaks_costs_no_result(tmp_path, monkeypatch, capsys):
    def broken(*_, **__):
        raise RuntimeError("no process can be started")

    monkeypatch.setattr(weights_and_biases.WandbSettings, "_init", broken)
    (result,) = unlearn(f"paths.outputs={tmp_path}", "method=ga", EPOCH, *OFFLINE)
    assert state(Path(result["folder"])) == "finished"
    assert "not tracked" in capsys.readouterr().err
