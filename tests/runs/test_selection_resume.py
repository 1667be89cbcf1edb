"""A run that is ended while it selects goes on with the same command, to the same set and the same bits."""

import json
import signal
from pathlib import Path

import pytest
from run_results import entries, lasting, run_folders, state
from tiny_processes import signalled
from tiny_run import unlearn

COMMAND = (
    "forget=worst_case",
    "forget.iterations=4",
    "forget.patience=null",
    "forget.lower.epochs=2",
    "forget.lower.batch_size=16",
    "method=ft",
    "method.epochs=1",
    "checkpoint_minutes=0",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    (result,) = unlearn(f"paths.outputs={folder}", *COMMAND)
    return result


def without_times(result):
    kept = lasting(result)
    kept["forget"] = kept["forget"] | {"found": {**kept["forget"]["found"], "seconds": 0}}
    return kept


def assert_same(left, right):
    assert without_times(left) == without_times(right)
    one, two = (Path(result["folder"]) for result in (left, right))
    for name in ("model.safetensors", "history.json", "forget/difficulty.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    left, right = (json.loads((folder / "forget.json").read_text()) for folder in (one, two))
    assert left["indices"] == right["indices"]
    assert left["fingerprint"] == right["fingerprint"]


@pytest.mark.parametrize(
    ("number", "file", "count"),
    [
        pytest.param(
            signal.SIGKILL, "selection-1.resume.pt", 3, marks=pytest.mark.thorough
        ),  # in the first lower level
        (signal.SIGKILL, "selection.pt", 3),  # two upper iterations written
        pytest.param(signal.SIGKILL, "selection-3.resume.pt", 5, marks=pytest.mark.thorough),
        pytest.param(signal.SIGTERM, "selection-3.resume.pt", 5, marks=pytest.mark.thorough),
        (signal.SIGKILL, "difficulty.csv", 1),  # selected, the account half written
        pytest.param(
            signal.SIGKILL, "forget.json", 1, marks=pytest.mark.thorough
        ),  # in the store, not in the run's folder
    ],
)
def test_ended_and_resumed(undisturbed, tmp_path, number, file, count):
    command = (f"paths.outputs={tmp_path}", *COMMAND)
    code = signalled(number, file, count, *command)
    assert code == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    (folder,) = run_folders(tmp_path)
    assert state(folder) == ("preempted" if number == signal.SIGTERM else "running")
    (result,) = unlearn(*command)
    assert_same(result, undisturbed)
    assert state(folder) == "finished"
    assert len(entries(tmp_path / "store", "selection")) == 1
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*.resume.*"))


def test_what_was_selected_is_not_selected_again(undisturbed, tmp_path):
    """Two upper iterations are there: the third is the next."""
    command = (f"paths.outputs={tmp_path}", *COMMAND)
    signalled(signal.SIGKILL, "selection.pt", 3, *command)
    (result,) = unlearn(*command)
    first, second = (Path(result["folder"]) / "log.txt").read_text().split("resumed after upper iteration 2")
    assert [number for number in "1234" if f"selection {number} of 4" in first] == ["1", "2"]
    assert [number for number in "1234" if f"selection {number} of 4" in second] == ["3", "4"]
