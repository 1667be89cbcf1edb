"""A sweep in processes of their own: the machinery of a cluster, without one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest.mock import patch

import pytest
import run_results
import tiny_commands
import tiny_run

from unlearn_cli.storage.files import read_json
from unlearn_cli.sweep.record import Record

PROCESSES = ("hydra/launcher=processes", "hydra.launcher.parallel=2")


@pytest.fixture
def swept(unlearn, tmp_path, monkeypatch):
    """swept(*arguments): how the command ended, and the sweep's record."""
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments, tiny=tiny_commands.TINY):
        end = unlearn("-m", *tiny, f"paths.outputs={tmp_path}/out", *PROCESSES, *arguments)
        (folder,) = (tmp_path / "out" / "sweeps").iterdir()
        return end, Record.load(folder)

    return command


def test_a_sweep_from_beginning_to_end(swept, run, tmp_path):
    """What is shared is made once and first; numbers are those of a run in one process; code is frozen."""
    end, record = swept("method=ga,ft", "method.epochs=1")
    assert end.code == 0, end.err
    told = [line for line in end.err.splitlines() if line.startswith("finished: ")]
    of = "digits, random fraction=0.1, seed 0"
    assert set(told[:2]) == {"finished: original, digits, seed 0", f"finished: oracle, {of}"}
    assert told[2] == f"finished: reference metrics, {of}"
    assert set(told[3:]) == {"finished: method=ga", "finished: method=ft"}
    assert len(run_results.entries(tmp_path / "out" / "store", "model")) == 2
    for item, method in zip(record.runs, ("ga", "ft"), strict=True):
        result = read_json(Path(item.folder) / "metrics.json")
        assert run_results.lasting(result) == run_results.lasting(run(f"method={method}", "method.epochs=1"))
        environment = read_json(Path(item.folder) / "environment.json")
        assert "/code/" in environment["package"]
    again, same = swept("method=ga,ft", "method.epochs=1")
    assert again.code == 0
    assert [item.job for item in same.runs] == [None, None]


def test_what_needs_a_failed_prerequisite_is_not_run(swept, tmp_path):
    end, record = swept("method=ga,ft", "train.lr=1e30", "oracle=false")
    assert end.code == 1
    assert "2 run(s) of the sweep failed" in end.err
    assert "method=ga: what it needs failed: " in end.err
    assert "Traceback" not in end.err
    said = " ".join(end.out.split())
    assert "first: original, digits, seed 0 failed the loss of 'original' is not finite" in said
    assert [item.job for item in record.runs] == [None, None]
    log = next(item.log for item in record.prerequisites if item.name.startswith("original"))
    assert "Traceback" in Path(log).read_text()
    states = [json.loads(file.read_text())["state"] for file in (tmp_path / "out").rglob("status.json")]
    assert states == ["failed"]


def test_two_processes_of_a_run_give_the_metrics_of_one(swept, tmp_path):
    """With a model that has neither batch norm nor dropout, which each process does on its own share."""
    command = (
        "oracle=false",
        "model=judge",
        "+model.options.drop_rate=0.0",
        "data.subset=0.2",
        "train.epochs=6",
        "method=ft",
        "method.epochs=2",
    )
    end, record = swept(*command, "hydra.launcher.tasks_per_node=2", tiny=())
    assert end.code == 0, end.err
    together = read_json(Path(record.runs[0].folder) / "metrics.json")
    with patch.object(tiny_commands, "TINY", ("progress=false",)):
        (alone,) = tiny_run.unlearn(f"paths.outputs={tmp_path}/alone", *command)
    assert alone["metrics"]["RA"] > 30  # it has learnt something
    assert together["metrics"] == pytest.approx(alone["metrics"], abs=0.02)
    assert together["original"] == pytest.approx(alone["original"], abs=0.02)


@pytest.mark.thorough
def test_a_run_that_is_told_to_stop_is_begun_again_and_resumes(run, tmp_path):
    """As by SLURM before a time-out: submitit's signal, its requeue, the same numbers."""
    command = ("method=ft", "method.epochs=15", "checkpoint_minutes=0")
    arguments = ("-m", f"paths.outputs={tmp_path}", *PROCESSES, *tiny_commands.TINY, *command)
    sweep = subprocess.Popen(
        [sys.executable, "-m", "unlearn_cli", *arguments], stderr=subprocess.PIPE, text=True
    )
    try:
        while not (begun := list(tmp_path.rglob("ft-s0-*/unlearn.resume.pt"))):
            assert sweep.poll() is None, sweep.communicate()[1]
            time.sleep(0.05)
        pid = read_json(begun[0].with_name("status.json"))["pid"]
        os.kill(pid, signal.SIGUSR2)
    finally:
        told = sweep.communicate(timeout=120)[1]
    assert sweep.returncode == 0, told
    (folder,) = (tmp_path / "sweeps").iterdir()
    (item,) = Record.load(folder).runs
    assert "Requeued job" in Path(item.log).read_text()
    assert read_json(Path(item.folder) / "status.json")["pid"] != pid
    result = read_json(Path(item.folder) / "metrics.json")
    assert run_results.lasting(result) == run_results.lasting(run(*command))
