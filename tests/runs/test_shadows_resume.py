"""A pool that is killed goes on with the same command, to the same bits; two sweeps at once make it once."""

import signal
from pathlib import Path

import pytest
from run_results import entries, lasting, run_folders, state
from tiny_processes import processes, signalled
from tiny_run import unlearn

from unlearn_cli import side_by_side

pytestmark = pytest.mark.thorough

COMMAND = (
    "method=ft",
    "method.epochs=1",
    "train.epochs=1",
    "eval.attacks=[ulira]",
    "shadows.count=2",
    "oracle=false",
    "checkpoint_minutes=0",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    (result,) = unlearn(f"paths.outputs={tmp_path_factory.mktemp('whole')}", *COMMAND)
    return result


@pytest.mark.parametrize(
    ("number", "file", "count"),
    [
        (signal.SIGKILL, "original.resume.pt", 20),  # in a shadow's training
        (signal.SIGKILL, "unlearn.resume.pt", 10),  # while the first shadow is unlearned, after the run's own
        (signal.SIGTERM, "unlearn.resume.pt", 10),
        (signal.SIGKILL, "margins.safetensors", 2),  # between two shadows
        (signal.SIGKILL, "attacks.csv", 1),
        (signal.SIGKILL, "attacks.json", 1),
    ],
)
def test_killed_it_goes_on(tmp_path, undisturbed, number, file, count):
    outputs = f"paths.outputs={tmp_path}"
    assert signalled(number, file, count, outputs, *COMMAND) != 0
    (resumed,) = unlearn(outputs, *COMMAND)
    assert lasting(resumed) == lasting(undisturbed)
    one, two = (Path(result["folder"]) for result in (resumed, undisturbed))
    for name in ("attacks.csv", "attacks.json"):
        assert (one / name).read_bytes() == (two / name).read_bytes()
    stores = tmp_path / "store", two.parents[4] / "store"
    mine, theirs = ({entry.name for entry in entries(store, "margins")} for store in stores)
    assert mine == theirs
    for name in mine:
        files = [store / "margins" / name / "margins.safetensors" for store in stores]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_two_sweeps_at_once_share_it(tmp_path):
    outputs = f"paths.outputs={tmp_path}"
    pair = [
        processes.Process(target=unlearn, args=("-m", outputs, *COMMAND, f"method={method}"))
        for method in ("ft", "rl")
    ]
    for process in pair:
        process.start()
    for process in pair:
        process.join(240)
    assert [process.exitcode for process in pair] == [0, 0]
    assert {state(folder) for folder in run_folders(tmp_path)} == {"finished"}
    assert len(entries(tmp_path / "store", "model")) == 1 + 2
    assert len(entries(tmp_path / "store", "margins")) == 2 + 2 * 2
    assert not list(tmp_path.rglob("*.damaged-*"))


def test_side_by_side_it_has_the_same_bits(tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr(side_by_side, "START_SECONDS", 0)
    monkeypatch.setattr(side_by_side, "processes", lambda: 2)
    begun, begin = [], side_by_side._begun
    monkeypatch.setattr(side_by_side, "_begun", lambda told: begun.append(told["numbers"]) or begin(told))
    (result,) = unlearn(f"paths.outputs={tmp_path}", *COMMAND, "shadows.count=2")
    assert begun == [[1]] * 2  # the first tells how long one takes; unlearned ones, then plain ones
    assert lasting(result) == lasting(undisturbed)
