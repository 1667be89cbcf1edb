"""A sweep of which one job is killed, one is preempted and one breaks; then the same command again."""

import os
import re
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest
from on_cluster import ended, read, row, until
from run_results import entries, lasting

pytestmark = [pytest.mark.slurm, pytest.mark.thorough, pytest.mark.timeout(400)]

SWEEP = ("method=slow,broken", "seed=0,1", "hydra.launcher.timeout_min=30")


def state(folder):
    return read(folder / "status.json").get("state")


def is_training(folder):
    return (folder / "unlearn.resume.pt").exists()


@pytest.fixture(scope="module")
def disturbed(cluster, user):
    """How the command ended, how it ended the second time, and how many jobs each submitted."""
    user.slowly.touch()
    command = user.begin_sweep("checkpoint_minutes=0", *SWEEP)
    fine, broken, killed, preempted = until(lambda: user.runs(4), cluster.queue)
    until(lambda: is_training(killed) and is_training(preempted), cluster.queue)
    os.kill(read(killed / "status.json")["pid"], signal.SIGKILL)
    until(lambda: (state(fine), state(broken)) == ("finished", "failed"), cluster.queue)
    cluster.full("high", seconds=1)
    until(lambda: state(preempted) == "preempted", cluster.queue)
    shown = user.status()
    user.slowly.unlink()
    first = ended(command)
    jobs = len(user.jobs())
    (user.folder / "mended").touch()
    second = user.sweep("checkpoint_minutes=0", *SWEEP)
    return SimpleNamespace(
        user=user,
        runs=(fine, broken, killed, preempted),
        shown=shown,
        first=first,
        second=second,
        jobs=(jobs, len(user.jobs()) - jobs),
    )


def test_what_did_not_finish_is_named_with_its_reason_and_log(disturbed):
    """And nothing else is."""
    _, broken, killed, _ = disturbed.runs
    assert disturbed.first.code == 1
    (summary,) = disturbed.first.err.split("error: ")[1:]
    names = {"method=slow seed=0": killed, "method=broken seed=1": broken}
    lines = [line.strip() for line in summary.splitlines()]
    assert row(disturbed.shown, "method=slow seed=0").startswith("killed ")
    assert row(disturbed.shown, "method=broken seed=1") == "failed ValueError: broken on purpose"
    assert lines[0] == "2 run(s) of the sweep failed:"
    assert len(lines) == 4
    for name in names:
        (line,) = [line for line in lines if line.startswith(name)]
        assert (
            "ValueError: broken on purpose" if "broken" in name else "task 0: Killed; its process is gone"
        ) in line
        log = Path(re.search(r"\(log: (.*)\)", line).group(1))
        assert log.exists()
        assert ("broken on purpose" in log.read_text()) == ("broken" in name)


def test_the_preempted_run_went_on(disturbed):
    _, _, _, preempted = disturbed.runs
    assert "finished: method=slow seed=1" in disturbed.first.err
    job = read(preempted / "status.json")["job"]
    (log,) = disturbed.user.outputs.glob(f"sweeps/*/jobs/{job}_0_log.out")
    assert "this job is preempted" in log.read_text()
    assert (preempted / "log.txt").read_text().count("unlearning 10 of 103 samples") == 2


def test_the_same_command_does_only_what_is_missing(disturbed):
    assert disturbed.second.code == 0, disturbed.second.err
    assert disturbed.jobs == (10, 2)  # two originals, oracles, references; four runs; then two runs
    assert [state(run) for run in disturbed.runs] == ["finished"] * 4
    assert "4 finished" in disturbed.user.status()


def test_nothing_was_trained_twice(disturbed):
    store = disturbed.user.outputs / "store"
    assert len(entries(store, "model")) == 4  # for each seed an original and an oracle
    assert not [*store.rglob("*.damaged*"), *store.rglob("*.partial")]
    logs = [log.read_text() for log in disturbed.user.outputs.glob("sweeps/*/prerequisites/*/log.txt")]
    assert sum("training the" in log for log in logs) == 4


@pytest.mark.parametrize("seed", [0, 1])
def test_the_numbers_are_those_of_undisturbed_runs(disturbed, undisturbed, seed):
    """Seed 0 was killed, seed 1 preempted."""
    run = disturbed.runs[2 + seed]
    assert lasting(read(run / "metrics.json")) == lasting(undisturbed("method=slow", f"seed={seed}"))
