"""A sweep that is not waited for: its table at any time, GPUs of its own for each run, time-out, scancel."""

from types import SimpleNamespace

import pytest
from on_cluster import read, row, until
from run_results import lasting

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(400)]

SWEEP = (
    "method=slow",
    "method.lr=0.05,0.06,0.07",
    "checkpoint_minutes=0",
    "hydra.launcher.wait=false",
    "hydra.launcher.gpus_per_node=1",
    "hydra.launcher.timeout_min=1",  # SLURM looks every 30 s, and so signals after 25 to 55
    "hydra.launcher.signal_delay_s=5",
)


@pytest.fixture(scope="module")
def left(cluster, user, undisturbed):
    """What was seen of three runs on two GPUs: one times out and goes on, two are cancelled."""
    expected = undisturbed("method=slow", "method.lr=0.05")
    user.slowly.touch()
    submitted = user.sweep(*SWEEP, f"paths.store={undisturbed.store}")
    jobs = sorted(line.split()[0] for line in cluster.queue())
    begun = until(lambda: user.runs(2), cluster.queue)
    until(lambda: all((run / "unlearn.resume.pt").exists() for run in begun), cluster.queue)
    devices = {read(run / "environment.json")["devices"] for run in begun}
    running = user.status()
    cluster.ask("scancel", *jobs[1:])
    until(lambda: len(cluster.queue()) == 1, cluster.queue)
    cancelled = user.status()
    (log,) = user.outputs.glob(f"sweeps/*/jobs/{jobs[0]}_0_log.out")
    until(lambda: "this job is timed-out" in log.read_text(), cluster.queue)
    user.slowly.unlink()
    until(lambda: not cluster.queue(), cluster.queue)
    (result,) = [read(file) for file in user.outputs.glob("*/*/*/*/*/metrics.json")]
    return SimpleNamespace(
        submitted=submitted,
        jobs=jobs,
        running=running,
        cancelled=cancelled,
        finished=user.status(),
        devices=devices,
        result=result,
        expected=expected,
    )


def test_the_command_returns_at_once(left):
    assert left.submitted.code == 0, left.submitted.err
    assert left.submitted.err.splitlines()[-1].startswith(
        "3 jobs; to see how it goes: unlearn status outputs/"
    )
    assert len(left.jobs) == 3


def test_the_table_says_how_far_runs_are(left):
    assert row(left.running, "method.lr=0.05") == "running unlearning 10 of 103 samples: slow"
    assert row(left.cancelled, "method.lr=0.05").startswith(("running ", "queued again"))
    assert row(left.finished, "method.lr=0.05") == "finished"


def test_runs_at_once_have_gpus_of_their_own(left):
    assert left.devices == {"0", "1"}


def test_cancelled_runs_are_told_from_others(left):
    """One was cancelled as it ran, the other as it waited for a GPU."""
    killed = row(left.cancelled, "method.lr=0.06")
    assert killed.startswith("killed JOB ")
    assert " CANCELLED AT " in killed
    assert row(left.running, "method.lr=0.07") == "queued (Resources)"
    assert row(left.cancelled, "method.lr=0.07").startswith("not run")


def test_a_run_that_timed_out_gives_the_numbers_of_one_that_did_not(left):
    assert lasting(left.result) == lasting(left.expected)
