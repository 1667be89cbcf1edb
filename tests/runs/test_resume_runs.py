"""A run that is killed anywhere goes on with the same command, to the same bits."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from run_results import entries, lasting, run_folders, state
from tiny_commands import EPOCH, TINY
from tiny_processes import signalled
from tiny_run import unlearn

from unlearn_cli.models.run_model import RECORD

SALUN = ("method=salun", "method.epochs=2", "method.batch_size=16", "checkpoint_minutes=0")
DIFFUSION = (
    "task=generation",
    "method=salun",
    "method.epochs=2",
    "method.max_steps=4",
    "eval.relearning.recipe.epochs=3",
    "eval.relearning.recipe.batch_size=4",
    "checkpoint_minutes=0",
)
AMNESIA = (
    "task=generation",
    "method=sa",
    "method.max_steps=3",
    "method.replay=24",
    "method.fisher_samples=24",
    "method.sampler.steps=2",
    "method.sampler.batch_size=8",
    "checkpoint_minutes=0",
)

THOROUGH = pytest.mark.thorough


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """uninterrupted(*command): the result of a run that nothing disturbed."""
    known = {}

    def run(*command):
        if command not in known:
            (known[command],) = unlearn(f"paths.outputs={tmp_path_factory.mktemp('whole')}", *command)
        return known[command]

    return run


def store_of(result):
    """The store of an uninterrupted run."""
    folder = Path(result["folder"])
    return next(parent / "store" for parent in folder.parents if (parent / "store").is_dir())


def assert_same(left, right):
    assert lasting(left) == lasting(right)
    one, two = (Path(result["folder"]) for result in (left, right))
    assert (one / "model.safetensors").read_bytes() == (two / "model.safetensors").read_bytes()
    assert (one / "history.json").read_text() == (two / "history.json").read_text()


@pytest.mark.parametrize(
    ("file", "count"),
    [
        pytest.param("original.resume.pt", 1, marks=THOROUGH),  # a checkpoint half written
        ("original.resume.pt", 7),
        pytest.param("cost.json", 1, marks=THOROUGH),  # the original trained, its store entry not complete
        pytest.param("oracle.resume.pt", 5, marks=THOROUGH),
        ("unlearn.resume.pt", 4),
        pytest.param("model.safetensors", 3, marks=THOROUGH),  # original, oracle, then the unlearned model
        pytest.param(RECORD, 1, marks=THOROUGH),  # the model written, the record of it not
        ("metrics.json", 1),  # evaluation, of the original
        pytest.param("metrics.json", 3, marks=THOROUGH),  # the end: original, oracle, then the run's own
        pytest.param("status.json", 2, marks=THOROUGH),  # everything there but the word "finished"
    ],
)
def test_killed_and_resumed(uninterrupted, tmp_path, file, count):
    command = (f"paths.outputs={tmp_path}", *SALUN)
    assert signalled(signal.SIGKILL, file, count, *command) == -signal.SIGKILL
    (folder,) = run_folders(tmp_path)
    assert state(folder) == "running"
    (result,) = unlearn(*command)
    assert_same(result, uninterrupted(*SALUN))
    assert state(folder) == "finished"
    assert len(entries(tmp_path / "store", "model")) == 2
    assert not list(tmp_path.rglob("*.partial"))
    assert not list(tmp_path.rglob("*.tmp")), "what a killed writer left"


@pytest.mark.parametrize(
    ("number", "kind", "file", "count"),
    [
        pytest.param(signal.SIGKILL, "model", "original.resume.pt", 4, marks=THOROUGH),
        pytest.param(signal.SIGKILL, "model", "judge.resume.pt", 3, marks=THOROUGH),
        pytest.param(signal.SIGTERM, "model", "judge.resume.pt", 3, marks=THOROUGH),
        pytest.param(
            signal.SIGKILL, "outputs", "samples-1.resume.safetensors", 1, marks=THOROUGH
        ),  # images of the original
        (signal.SIGTERM, "outputs", "samples-1.resume.safetensors", 1),
        pytest.param(
            signal.SIGKILL, "outputs", "samples-2.resume.safetensors", 3, marks=THOROUGH
        ),  # of the oracle, after the method's
        pytest.param(signal.SIGKILL, "reference", "seen.safetensors", 1, marks=THOROUGH),
        (signal.SIGKILL, "metrics", "relearn.resume.pt", 9),  # of the original, after the method's 7
        pytest.param(signal.SIGTERM, "metrics", "relearn.resume.pt", 9, marks=THOROUGH),
    ],
)
def test_a_diffusion_run_is_ended_in_its_work_for_the_store(
    uninterrupted, tmp_path, number, kind, file, count
):
    """The store lacks what is of that kind alone."""
    whole, store = uninterrupted(*DIFFUSION), tmp_path / "store"
    assert whole["metrics"]["relearn_steps"] == 6  # the probe's limit: there is time to end it
    shutil.copytree(store_of(whole), store, ignore=lambda folder, names: {kind} & set(names))
    command = (f"paths.outputs={tmp_path}", *DIFFUSION)
    code = signalled(number, file, count, *command)
    assert code == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    assert len(list((store / kind).glob("*.partial"))) == 1
    (result,) = unlearn(*command)
    assert_same(result, whole)
    for each in ("model", "outputs", "reference", "metrics"):
        names = [entry.name for entry in entries(store_of(whole), each)]
        assert [entry.name for entry in entries(store, each)] == names
    assert not list(tmp_path.rglob("*.tmp"))
    assert not list(tmp_path.rglob("*.resume.*"))


@pytest.mark.parametrize(
    ("number", "command", "file", "count"),
    [
        (signal.SIGKILL, DIFFUSION, "unlearn.resume.pt", 3),
        pytest.param(signal.SIGKILL, DIFFUSION, "samples-1.resume.safetensors", 1, marks=THOROUGH),
        pytest.param(signal.SIGTERM, DIFFUSION, "samples-1.resume.safetensors", 1, marks=THOROUGH),
        pytest.param(signal.SIGKILL, DIFFUSION, "relearn.resume.pt", 2, marks=THOROUGH),
        pytest.param(signal.SIGTERM, DIFFUSION, "relearn.resume.pt", 2, marks=THOROUGH),
        (signal.SIGKILL, AMNESIA, "replay-1.resume.safetensors", 1),
        pytest.param(signal.SIGTERM, AMNESIA, "replay-1.resume.safetensors", 1, marks=THOROUGH),
        pytest.param(signal.SIGKILL, AMNESIA, "fisher-1.resume.safetensors", 1, marks=THOROUGH),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_diffusion_run_is_ended_in_its_own_work(uninterrupted, tmp_path, number, command, file, count):
    """With the store of the run that nothing disturbed."""
    whole = uninterrupted(*command)
    assert whole["metrics"]["relearn_steps"] > 0
    ended = (f"paths.outputs={tmp_path}", f"paths.store={store_of(whole)}", *command)
    code = signalled(number, file, count, *ended)
    assert code == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    (folder,) = run_folders(tmp_path)
    assert state(folder) == ("preempted" if number == signal.SIGTERM else "running")
    left = list(folder.glob("*.resume.*"))
    (result,) = unlearn(*ended)
    assert left
    assert_same(result, whole)
    assert not list(folder.glob("*.resume.*"))
    assert not list(folder.glob(".*.tmp"))


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=THOROUGH), signal.SIGUSR2])
@pytest.mark.parametrize("file", ["original.resume.pt", "unlearn.resume.pt"])
def test_asked_to_stop_and_resumed(uninterrupted, tmp_path, file, number):
    command = (f"paths.outputs={tmp_path}", *SALUN)
    assert signalled(number, file, 3, *command) == 143
    (folder,) = run_folders(tmp_path)
    assert state(folder) == "preempted"
    assert list(tmp_path.rglob(file))
    (result,) = unlearn(*command)
    assert_same(result, uninterrupted(*SALUN))


@THOROUGH
def test_a_method_of_several_phases_counts_its_cost_once(uninterrupted, tmp_path):
    """EU-k trains anew in each epoch: every phase has a checkpoint of its own."""
    command = (
        "method=eu_k",
        "method.k=2",
        "method.epochs=3",
        "method.batch_size=16",
        "method.reinit=every_epoch",
        "checkpoint_minutes=0",
    )
    whole = uninterrupted(*command)
    killed = (f"paths.outputs={tmp_path}", *command)
    assert signalled(signal.SIGKILL, "unlearn-2.resume.pt", 2, *killed) == -signal.SIGKILL
    (result,) = unlearn(*killed)
    assert_same(result, whole)
    assert result["cost"]["steps"] == 3 * whole["oracle_cost"]["steps"] / 2  # the oracle has two epochs


def test_a_sweep_that_was_stopped_goes_on(tmp_path):
    """The run that was at work is preempted, those after it are not begun."""
    command = ("-m", f"paths.outputs={tmp_path}", "method=ga,ft,rl", EPOCH, "checkpoint_minutes=0")
    assert signalled(signal.SIGTERM, "unlearn.resume.pt", 4, *command) == 143
    assert sorted(state(folder) for folder in run_folders(tmp_path)) == ["finished", "preempted"]
    assert len(unlearn(*command)) == 3
    assert {state(folder) for folder in run_folders(tmp_path)} == {"finished"}


@THOROUGH
def test_kill_9_from_outside(uninterrupted, tmp_path):
    """As a user would: the command in a process of its own, killed while it trains the original model."""
    arguments = [f"paths.outputs={tmp_path}", *SALUN, *TINY]
    environment = os.environ | {"OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-m", "unlearn_cli", *arguments]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "store").glob("model/*.partial/original.resume.pt")):
        assert process.poll() is None
        time.sleep(0.005)
    process.kill()
    process.wait()
    (checkpoint,) = (tmp_path / "store").glob("model/*.partial/original.resume.pt")
    assert torch.load(checkpoint, weights_only=True)["step"] < 14
    (result,) = unlearn(*arguments)
    assert_same(result, uninterrupted(*SALUN))
