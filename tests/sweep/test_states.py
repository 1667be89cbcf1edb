"""A run's state from its folder, its process and the queue."""

import os
import platform
import subprocess
import sys

import pytest

from unlearn_cli.storage.files import write_json
from unlearn_cli.sweep.states import Queued, State, state_of

WAITS = {"7_1": Queued("PENDING", "Dependency")}
RUNS = {"7_1": Queued("RUNNING", "None")}


@pytest.fixture
def gone():
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def write(tmp_path):
    """write(state, **more): the run's status and a log of two lines."""

    def status(state, **more):
        here = {"reason": None, "host": platform.node(), "pid": os.getpid()}
        write_json(tmp_path / "status.json", here | {"state": state} | more)
        lines = ["2026-11-22 01:00:00,000 INFO evaluating", "2026-11-22 01:00:01,000 INFO step 3 of 9"]
        (tmp_path / "log.txt").write_text("\n".join([*lines, "Traceback …", "  a line of it"]) + "\n")
        return tmp_path

    return status


def test_nothing_there(tmp_path):
    assert state_of(tmp_path, None, None) == State("not begun")
    assert state_of(tmp_path, "7_1", None) == State("not begun")
    assert state_of(tmp_path, "7_1", WAITS) == State("queued", "(Dependency)")
    assert state_of(tmp_path, "7_1", RUNS) == State("running")
    assert state_of(tmp_path, "7_1", {}).name == "not run"


@pytest.mark.parametrize("queue", [None, {}, WAITS, RUNS])
def test_a_finished_run_is_finished_whatever_the_queue_says(write, queue):
    assert state_of(write("finished"), "7_1", queue) == State("finished")


def test_a_run_of_this_machine_is_known_by_its_process(write, gone):
    assert state_of(write("running"), None, None) == State("running", "step 3 of 9")
    dead = state_of(write("running", pid=gone), None, None)
    assert dead.name == "killed"
    assert "step 3 of 9" in dead.detail
    assert dead.over
    assert state_of(write("running", pid=gone, host="elsewhere"), None, None).name == "running"


def test_a_job_is_known_by_the_queue(write, gone):
    assert state_of(write("running", pid=gone), "7_1", RUNS) == State("running", "step 3 of 9")
    assert state_of(write("running", host="node1"), "7_1", {}).name == "killed"
    again = state_of(write("running", pid=gone), "7_1", {"7_1": Queued("PENDING", "BeginTime")})
    assert again == State("queued", "again, after it was preempted or timed out (BeginTime)")
    assert not again.over


def test_how_a_run_failed(write):
    failed = state_of(write("failed", reason="the loss is not finite"), "7_1", {})
    assert failed == State("failed", "the loss is not finite")
    assert failed.over
    stopped = state_of(write("preempted", reason="stopped by SIGTERM"), None, None)
    assert stopped == State("preempted", "stopped by SIGTERM")
    assert not stopped.over
