"""Every method from an untrained model to a judged one, on a tiny problem; all share one store."""

import json
import math
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf
from run_results import entries, lasting, mask_of, original_weights, run_folders, state, weights
from safetensors.torch import load_file
from tiny_commands import EPOCH, methods
from tiny_run import unlearn

from unlearn_cli import experiment
from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.runtime.compute import Compute

METHODS = methods("classification")
OF_ONE_MODEL = {"UA", "RA", "TA", "VA", "MIA", "MIA_leak_free"}
METRICS = OF_ONE_MODEL | {
    f"{kind}_{rows}" for kind in ("agreement", "KL") for rows in ("forget", "retain", "test")
}


def short(method):
    """One epoch, where the method has any; layers that a small model has."""
    keys = OmegaConf.load(conf_folder() / "method" / f"{method}.yaml")
    return [value for key, value in (("epochs", EPOCH), ("k", "method.k=2")) if key in keys]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, method):
    extra = short(method)
    if method == "checkpoint":
        extra = [f"method.path={run('method=ft', EPOCH)['folder']}"]
    result = run(f"method={method}", *extra)
    metrics, folder = result["metrics"], Path(result["folder"])
    assert set(metrics) == METRICS
    assert all(math.isfinite(value) for value in metrics.values())
    assert set(result["oracle"]) == set(result["original"]) == OF_ONE_MODEL
    assert result["gap"] == {name: abs(metrics[name] - result["oracle"][name]) for name in OF_ONE_MODEL}
    assert result["avg_gap"] == pytest.approx(sum(result["gap"][n] for n in ("UA", "RA", "TA", "MIA")) / 4)
    assert json.loads((folder / "metrics.json").read_text()) == result
    assert state(folder) == "finished"
    assert not list(folder.glob("*.resume.pt"))
    if method == "original":
        assert all(metrics[name] == result["original"][name] for name in OF_ONE_MODEL)
    if method == "retrain":
        assert set(result["gap"].values()) == {0.0}
        assert metrics["agreement_test"] == 100
    if method == "checkpoint":
        assert metrics == run("method=ft", EPOCH)["metrics"]


@pytest.mark.parametrize("method", ["be", "original", "retrain", "salun"])
def test_a_run_folder_is_a_checkpoint(run, method):
    made = run(f"method={method}", *short(method))
    read = run("method=checkpoint", f"method.path={made['folder']}")
    assert read["metrics"] == made["metrics"]
    assert read["cost"]["steps"] == 0


def test_figures_are_drawn(run):
    result = run("method=salun", EPOCH, "seed=3", figures=True)
    names = {file.name for file in (Path(result["folder"]) / "figures").iterdir()}
    assert names == {"training_curves.png", "confidence.png", "per_class_accuracy.png"}


@pytest.mark.parametrize("method", [m for m in METHODS if m not in ("original", "retrain", "checkpoint")])
def test_weights_that_a_mask_freezes_do_not_change_by_a_bit(run, outputs, method):
    """Whatever the method does to the others; the mask follows from the scores in the store."""
    result = run(f"method={method}", *short(method), "mask=saliency", "mask.fraction=0.3")
    free = mask_of(outputs / "store", result)
    before, after = original_weights(outputs / "store", result), weights(result)
    assert free.keys() < before.keys()
    for name, part in free.items():
        assert torch.equal(before[name][~part], after[name][~part]), name
    assert any((before[name] != after[name]).any() for name in free)
    assert result["cost"]["mask_seconds"] > 0


def test_a_gradient_mask_lets_weight_decay_through(run, outputs):
    """The published tables' era: masked weights shrink."""
    result = run("method=ga", EPOCH, "mask=saliency", "mask.fraction=0.3", "mask.mode=grad_only")
    before, after = original_weights(outputs / "store", result), weights(result)
    for name, part in mask_of(outputs / "store", result).items():
        frozen = ~part & (before[name] != 0)
        assert (after[name][frozen].abs() < before[name][frozen].abs()).all(), name


def test_a_forgotten_class_leaves_the_test_accuracy(run):
    result = run("method=ft", EPOCH, "forget=class", "forget.classes=[3]", "eval.save_logits=true")
    folder = Path(result["folder"])
    manifest = json.loads((folder / "forget.json").read_text())
    assert manifest["classes"] == [3]
    assert result["forget"]["count"] == len(manifest["indices"]) > 0
    assert set(result["metrics"]) == METRICS | {"TA_forget"}
    assert "TA_forget" in result["gap"]

    settings = OmegaConf.to_container(OmegaConf.load(folder / "config.yaml"))["data"]
    data = experiment.build(settings, "data").load(None, None, Compute("cpu", "fp32", False, False))
    logits = load_file(folder / "logits.safetensors")["logits"].float()
    right = logits.argmax(1).numpy() == data.labels
    rows = data.test_rows
    of_class = data.labels[rows] == 3
    assert result["metrics"]["TA"] == pytest.approx(100 * right[rows][~of_class].mean())
    assert result["metrics"]["TA_forget"] == pytest.approx(100 * right[rows][of_class].mean())
    assert (data.labels[manifest["indices"]] == 3).all()


def test_forget_a_group_and_the_same_rows_from_a_file(run, outputs):
    group = run(
        "method=ga", EPOCH, "forget=group", "forget.column=label", "forget.values=[4]", "forget.fraction=0.5"
    )
    manifest = Path(group["folder"]) / "forget.json"
    models = len(entries(outputs / "store", "model"))
    rows = run("method=ga", EPOCH, "forget=indices", f"forget.file={manifest}")
    assert rows["forget"]["count"] == group["forget"]["count"] > 0
    assert rows["metrics"] == group["metrics"]
    assert len(entries(outputs / "store", "model")) == models  # the oracle is the same


def test_a_finished_run_is_answered_from_its_folder(run, outputs):
    command = ("method=ga", EPOCH, "seed=1")
    first = run(*command)
    files = {file: file.stat().st_mtime_ns for file in outputs.rglob("*") if file.is_file()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compute, "__init__", lambda *_: pytest.fail("something was computed"))
        assert run(*command) == first
    assert {file: file.stat().st_mtime_ns for file in outputs.rglob("*") if file.is_file()} == files


def test_the_seed_changes_the_run_and_what_moves_no_number_does_not(run):
    one, two = run("method=ga", EPOCH), run("method=ga", EPOCH, "seed=1")
    assert one["folder"] != two["folder"]
    assert one["metrics"] != two["metrics"]
    assert one["forget"]["facts"]["seed"] == 0
    assert two["forget"]["facts"]["seed"] == 1  # forget.seed follows seed
    assert run("method=ga", EPOCH, "checkpoint_minutes=7", "tracking=wandb") == one


def test_a_sweep_trains_each_original_and_oracle_once(tmp_path):
    results = unlearn("-m", f"paths.outputs={tmp_path}", "method=ft,ga,salun", "forget.seed=0,1", EPOCH)
    assert len(results) == 6
    assert len(entries(tmp_path / "store", "model")) == 3
    assert len(entries(tmp_path / "store", "saliency")) == 2
    folders = run_folders(tmp_path)
    assert len(folders) == 6
    assert {state(folder) for folder in folders} == {"finished"}


def test_the_same_command_gives_the_same_numbers(run, tmp_path):
    here = run("method=salun", EPOCH)
    (there,) = unlearn(f"paths.outputs={tmp_path}", "method=salun", EPOCH)
    assert lasting(there) == lasting(here)
    assert (Path(there["folder"]) / "model.safetensors").read_bytes() == (
        Path(here["folder"]) / "model.safetensors"
    ).read_bytes()


def test_bf16_on_a_cpu(tmp_path):
    """Another precision is another original; master weights stay fp32."""
    (result,) = unlearn(f"paths.outputs={tmp_path}", "method=ft", EPOCH, "precision=bf16")
    assert all(math.isfinite(value) for value in result["metrics"].values())
    assert {tensor.dtype for tensor in weights(result).values()} == {torch.float32, torch.int64}
    facts = json.loads((entries(tmp_path / "store", "model")[0] / "model.json").read_text())
    assert facts["precision"] == "bf16"


def test_bf16_computes_in_bf16():
    compute = Compute("cpu", "bf16", channels_last=False, compile=False)
    with compute.autocast():
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == torch.bfloat16
