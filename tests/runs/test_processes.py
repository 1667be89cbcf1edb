"""Several processes (gloo, on the CPU) do the work of one."""

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from run_results import entries, lasting, run_folders, state
from safetensors.torch import load_file, save_file
from tiny_commands import EPOCH, TINY
from tiny_processes import together
from tiny_run import unlearn
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.errors import Preempted, RunError
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.trainer import Trainer

ROWS = np.arange(29)  # batches of 7 and 8: shares of 4 and 3, too


def model(norm=False):
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)] if norm else [nn.Conv2d(1, 4, 3)]
    return nn.Sequential(*layers, nn.Flatten(), nn.ReLU(), nn.Linear(16, 3))


def objective(model, batch):
    losses = F.cross_entropy(model(batch.x), batch.y, reduction="none")
    return {"even": (losses * (batch.index % 2 == 0)).mean(), "all": losses.mean()}


def trainer_of(toy, folder, **options):
    compute = Compute("cpu", "fp32", channels_last=False, compile=False)
    return Trainer(toy, np.zeros(40, bool), compute, 0, folder, **options)


def write(folder, rank, net, trainer):
    save_file({k: v.clone() for k, v in net.state_dict().items()}, folder / f"{rank}.safetensors")
    (folder / f"{rank}.json").write_text(json.dumps(trainer.history))


def fit(toy, folder, recipe, norm, **options):
    trainer = trainer_of(toy, folder, **options)
    net = trainer.fit(model(norm), shuffled(ROWS), objective, recipe, penalty=penalty)
    write(folder, trainer.compute.rank, net, trainer)


def penalty(parameters, progress):
    return 1e-3 * torch.stack([p.abs().sum() for p in parameters]).sum()


def assert_same_losses(history, other):
    for one, two in zip(history, other, strict=True):
        assert one["epoch"] == two["epoch"]
        losses = {name for name in one if name.startswith("loss/")}
        assert {n: one[n] for n in losses} == pytest.approx({n: two[n] for n in losses}, rel=1e-5)


@pytest.mark.parametrize("world", [2, pytest.param(3, marks=pytest.mark.thorough)])
def test_training_together_gives_the_weights_of_training_alone(toy, tmp_path, recipe, world):
    """Uneven shares, augmentation, a penalty, clipping, look-ahead, EMA; and what is logged is the same."""
    plan = recipe(clip_norm=0.5, ema=0.8, weight_decay=0.01, lookahead=0.9, nesterov=True, bias_lr_factor=2.0)
    toy.augment = toy.augment.model_copy(update={"flip": "alternating"})
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    for folder in (alone, shared):
        folder.mkdir()
    fit(toy, alone, plan, False)
    assert together(world, fit, toy, shared, plan, False) == [0] * world
    expected = load_file(alone / "0.safetensors")
    history = json.loads((alone / "0.json").read_text())
    for rank in range(world):
        found = load_file(shared / f"{rank}.safetensors")
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)
        assert_same_losses(history, json.loads((shared / f"{rank}.json").read_text()))


@pytest.mark.parametrize("changes", [{"lookahead": 0.9}, {"ema": 0.8}])
def test_batch_norm_statistics_are_the_same_everywhere(toy, tmp_path, recipe, changes):
    assert together(2, fit, toy, tmp_path, recipe(**changes), True) == [0, 0]
    one, two = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)


def draw(toy, folder, recipe):
    """Each process's own draws while it trains."""
    drawn = []

    def objective_that_draws(model, batch):
        drawn.append(torch.rand(1).item())
        return objective(model, batch)

    trainer = trainer_of(toy, folder)
    trainer.fit(model(), shuffled(ROWS), objective_that_draws, recipe)
    (folder / f"{trainer.compute.rank}.json").write_text(json.dumps(drawn))


def test_random_targets_differ_between_processes(toy, tmp_path, recipe):
    assert together(2, draw, toy, tmp_path, recipe()) == [0, 0]
    one, two = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    assert len(set(one + two)) == len(one) + len(two) == 16


def predict(toy, folder):
    trainer = trainer_of(toy, folder)
    rows = np.arange(0, 40, 3)
    logits = Classification().predict(model(), trainer, rows)
    save_file({"logits": logits}, folder / f"{trainer.compute.world}-{trainer.compute.rank}.safetensors")


def test_predictions_come_back_in_order(toy, tmp_path):
    predict(toy, tmp_path)
    assert together(3, predict, toy, tmp_path) == [0, 0, 0]
    expected = load_file(tmp_path / "1-0.safetensors")["logits"]
    for rank in range(3):
        found = load_file(tmp_path / f"3-{rank}.safetensors")["logits"]
        torch.testing.assert_close(found, expected)


def stopped(toy, folder, recipe):
    """Only the second process is asked to stop; all stop, at the same step."""
    trainer = trainer_of(toy, folder, checkpoint_minutes=60)
    rank, seen = trainer.compute.rank, 0

    def terminated(model, batch):
        nonlocal seen
        seen += 1
        if seen == 3 and rank == 1:
            signal.raise_signal(signal.SIGTERM)
        return objective(model, batch)

    with stop_signals(), pytest.raises(Preempted):
        trainer.fit(model(True), shuffled(ROWS), terminated, recipe, penalty=penalty)
    (folder / f"{rank}.txt").write_text(str(seen))


def test_processes_stop_together_and_resume(toy, tmp_path, recipe):
    plan = recipe(epochs=4)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for folder in (whole, parts):
        folder.mkdir()
    assert together(2, fit, toy, whole, plan, True) == [0, 0]
    assert together(2, stopped, toy, parts, plan) == [0, 0]
    assert [(parts / f"{rank}.txt").read_text() for rank in range(2)] == ["10", "10"]
    assert torch.load(parts / "unlearn.resume.pt", weights_only=True)["step"] == 10
    assert together(2, fit, toy, parts, plan, True) == [0, 0]
    one, two = (load_file(folder / "0.safetensors") for folder in (whole, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert_same_losses(*(json.loads((folder / "0.json").read_text()) for folder in (whole, parts)))


def diverge(toy, folder, recipe):
    trainer = trainer_of(toy, folder)
    rank, seen = trainer.compute.rank, 0

    def breaks(model, batch):
        nonlocal seen
        seen += 1
        factor = float("inf") if seen == 3 and rank == 1 else 1.0
        return {name: factor * term for name, term in objective(model, batch).items()}

    with pytest.raises(RunError, match="not finite at step 2"):
        trainer.fit(model(), shuffled(ROWS), breaks, recipe)


def test_a_loss_that_diverges_on_one_process_is_told_by_all(toy, tmp_path, recipe):
    assert together(2, diverge, toy, tmp_path, recipe()) == [0, 0]


def store_entry(root):
    compute = Compute("cpu", "fp32", channels_last=False, compile=False)

    def make(folder):
        assert folder.is_dir()
        (root / f"made-{compute.rank}").write_text("")
        if compute.is_main:
            (folder / "a.txt").write_text("a")

    store = Store(root, compute)
    for _ in range(2):
        entry = store.get("model", {"seed": 0}, make)
        assert (entry / "a.txt").read_text() == "a"
        (root / f"made-{compute.rank}").unlink(missing_ok=True)
        make = never


def never(folder):
    raise AssertionError("made twice")


def test_a_store_entry_is_made_by_all_and_written_by_one(tmp_path):
    assert together(2, store_entry, tmp_path) == [0, 0]
    assert len(entries(tmp_path, "model")) == 1


def whole_run(*arguments):
    (result,) = unlearn(*arguments) or ({},)
    assert bool(result) == (os.environ["RANK"] == "0")  # one table, from the main process


@pytest.mark.parametrize(
    "method",
    [
        "salun",
        *(pytest.param(m, marks=pytest.mark.thorough) for m in ("scrub", "be", "ff", "eu_k", "retrain")),
    ],
)
def test_a_whole_run_of_two_processes(tmp_path, method):
    extra = {"eu_k": ["method.k=2", EPOCH], "ff": [], "retrain": []}.get(method, [EPOCH])
    arguments = (f"paths.outputs={tmp_path}", f"method={method}", *extra)
    assert together(2, whole_run, *arguments) == [0, 0]
    (folder,) = run_folders(tmp_path)
    result = json.loads((folder / "metrics.json").read_text())
    assert all(math.isfinite(value) for value in result["metrics"].values())
    assert state(folder) == "finished"
    assert len(entries(tmp_path / "store", "model")) == 2
    assert (folder / "log.txt").read_text().count("evaluating") == 1

    (checked,) = unlearn(f"paths.outputs={tmp_path}", "method=checkpoint", f"method.path={folder}")
    assert checked["metrics"] == pytest.approx(
        result["metrics"], abs=1e-4
    )  # what was judged is what was saved


def test_two_processes_share_the_drawing_of_images(tmp_path):
    """Chunks go by turns, for the replay too; and one process judges the model by the same images."""
    few = ("max_steps=2", "replay=8", "fisher_samples=4", "sampler.steps=2", "sampler.batch_size=4")
    common = (f"paths.outputs={tmp_path}", "task=generation", "data.subset=0.1", "oracle=false")
    command = (*common, "method=sa", *(f"method.{value}" for value in few))
    assert together(2, whole_run, *command) == [0, 0]
    (folder,) = run_folders(tmp_path)
    result = json.loads((folder / "metrics.json").read_text())
    (checked,) = unlearn(*common, "method=checkpoint", f"method.path={folder}")
    # the other number of threads rounds a pixel of some image otherwise; one image more or less is 2 % of RA
    assert checked["metrics"] == pytest.approx(result["metrics"], abs=0.05)


def test_the_launcher(tmp_path):
    """As a user would; the second call is answered from the folder."""
    arguments = ["-m", "unlearn_cli", f"paths.outputs={tmp_path}", "method=ft", EPOCH, *TINY]
    launcher = [str(Path(sys.executable).with_name("torchrun")), "--nproc-per-node=2", "--standalone"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [*launcher, *arguments], env=environment, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("evaluating") == 1
    assert ended.stdout.count("UA (%)") == 1
    (folder,) = run_folders(tmp_path)
    assert state(folder) == "finished"
    (result,) = unlearn(*arguments[2:])
    assert lasting(result) == lasting(json.loads((folder / "metrics.json").read_text()))
