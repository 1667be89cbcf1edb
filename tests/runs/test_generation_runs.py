"""Every method that fits generation, from an untrained model to a judged one; all share one store."""

import json
import math
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from run_results import all_made_for, entries, lasting, mask_of, original_of, original_weights, state, weights
from safetensors.torch import load_file
from tiny_commands import methods, short
from tiny_run import unlearn

from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.diffusion.generation import GenerationEvaluation
from unlearn_cli.runtime.compute import Compute

TASK = "task=generation"
METHODS = methods("generation")
UNLEARNING = [method for method in METHODS if method not in ("original", "retrain", "checkpoint")]
OF_THE_IMAGES = {"UA", "RA", "confidence_forget", "entropy_forget", "FD", "KD", "precision", "recall"}
OF_ONE_MODEL = OF_THE_IMAGES | {"judge_TA", "relearn_steps"}
METRICS = OF_ONE_MODEL | {f"{kind}_{rows}" for kind in ("agreement", "KL") for rows in ("forget", "retain")}


def command(method):
    """The command of a method, made short."""
    return (TASK, *short(method))


@pytest.fixture
def store(outputs):
    return outputs / "store"


def test_a_judge_that_fails_fails_before_any_model_is_trained(tmp_path):
    fails = patch.object(GenerationEvaluation, "make_judge", side_effect=RunError("no judge"))
    with fails, pytest.raises(SystemExit):
        unlearn(*command("ft"), f"paths.outputs={tmp_path}")
    assert not entries(tmp_path / "store", "model")


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, store, method):
    extra = [f"method.path={run(*command('ft'))['folder']}"] if method == "checkpoint" else []
    result = run(*command(method), *extra)
    metrics, original, oracle, folder = (result[k] for k in ("metrics", "original", "oracle", "folder"))
    assert set(metrics) == METRICS
    assert all(math.isfinite(value) for value in metrics.values())
    assert set(oracle) == set(original) == OF_ONE_MODEL
    assert result["gap"] == {name: abs(metrics[name] - oracle[name]) for name in OF_ONE_MODEL}
    assert metrics["judge_TA"] == original["judge_TA"] == oracle["judge_TA"]
    for model, values in (("original", original), (method, metrics), ("oracle", oracle)):
        shares = dict(result["per_class"][model])
        assert values["UA"] == pytest.approx(100 - shares.pop("3"))
        assert values["RA"] == pytest.approx(sum(shares.values()) / 9, abs=1e-4)
    assert json.loads((Path(folder) / "metrics.json").read_text()) == result
    assert state(Path(folder)) == "finished"
    assert not list(Path(folder).glob("*.resume.*"))
    assert not list(store.glob("*/*/*.resume.*"))
    if method in UNLEARNING:
        before, after = original_weights(store, result), weights(result)
        assert any(not torch.equal(before[name], after[name]) for name in before)
        assert result["cost"]["steps"] > 0
    if method == "original":
        assert all(metrics[name] == original[name] for name in OF_ONE_MODEL)
    if method == "retrain":
        assert set(result["gap"].values()) == {0.0}
        assert (metrics["agreement_forget"], metrics["agreement_retain"]) == (100, 100)
        assert (metrics["KL_forget"], metrics["KL_retain"]) == (0, 0)
    if method == "checkpoint":
        assert metrics == run(*command("ft"))["metrics"]


@pytest.mark.parametrize("method", ["original", "retrain", "salun"])
def test_a_run_folder_is_a_checkpoint(run, method):
    made = run(*command(method))
    read = run(TASK, "method=checkpoint", f"method.path={made['folder']}")
    assert read["metrics"] == made["metrics"]
    assert read["cost"]["steps"] == 0


@pytest.mark.parametrize("method", UNLEARNING)
def test_weights_that_a_mask_freezes_do_not_change_by_a_bit(run, store, method):
    result = run(*command(method), "mask=saliency", "mask.fraction=0.3")
    free = mask_of(store, result, guidance=2.0)
    before, after = original_weights(store, result), weights(result)
    assert free.keys() == before.keys()
    for name, part in free.items():
        assert torch.equal(before[name][~part], after[name][~part]), name
    assert any((before[name] != after[name]).any() for name in free)
    assert result["cost"]["mask_seconds"] > 0


def test_the_guided_and_the_plain_loss_score_otherwise(run, store):
    guided = run(*command("salun"), "mask.fraction=0.3")
    plain = run(*command("salun"), "mask.fraction=0.3", "mask.guidance=null")
    masks = [mask_of(store, plain, guidance=w) for w in (2.0, None)]
    assert any(not torch.equal(masks[0][name], part) for name, part in masks[1].items())
    assert guided["metrics"] != plain["metrics"]


def test_figures_are_drawn(run, outputs):
    result = run(*command("salun"), "eval.grid_every=1", figures=True)
    folder = Path(result["folder"]) / "figures"
    names = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert names == {"training_curves.png", "samples.png", "confusion.png", "unlearning/epoch-0001.png"}
    assert all(np.asarray(Image.open(folder / name)).std() > 0 for name in names)
    plain = run(*command("salun"))
    assert result["metrics"] == plain["metrics"]  # looking on changes nothing
    assert not (Path(plain["folder"]) / "figures" / "unlearning").exists()


def test_samples_are_kept_as_they_were_judged(run, store):
    """40 images from the same noise as ever: those of the original model are in the store."""
    result = run(*command("original"), "eval.save_samples=true")
    assert result["metrics"] == run(*command("original"))["metrics"]
    folder = Path(result["folder"]) / "samples"
    assert sorted(path.name for path in folder.iterdir()) == [str(digit) for digit in range(10)]
    files = sorted(folder.rglob("*.png"), key=lambda file: int(file.stem))
    assert len(files) == 40
    sampler = OmegaConf.to_container(OmegaConf.load(folder.parent / "config.yaml"))["eval"]["sampler"]
    model = original_of(store, result).name
    drawn_by = all_made_for(store, "outputs", result, model=model, sampler=sampler)  # for one judge or more
    drawn = load_file(drawn_by[0] / "outputs.safetensors")
    assert drawn["images"].shape == (40, 1, 8, 8)
    for file, image, label in zip(files, drawn["images"], drawn["labels"], strict=True):
        assert file.parent.name == str(int(label))
        assert np.array_equal(np.asarray(Image.open(file)), image[0].numpy())


OTHERS = ("eta=0.5", "guidance=0", "steps=4", "batch_size=40")


@pytest.mark.parametrize("change", ["seed=1", *(pytest.param(o, marks=pytest.mark.thorough) for o in OTHERS)])
def test_what_moves_the_samples_is_another_entry(run, store, change):
    """The batch size, too: each batch has noise of its own."""
    before = run(*command("original"))
    count = len(entries(store, "outputs"))
    after = run(*command("original"), f"eval.sampler.{change}")
    assert len(entries(store, "outputs")) == count + 2  # original and oracle
    assert all(before["metrics"][name] != after["metrics"][name] for name in ("FD", "confidence_forget"))
    assert before["metrics"]["judge_TA"] == after["metrics"]["judge_TA"]


def kinds(store):
    """How many entries there are, by kind; models by the task that they are for."""
    count = {kind: len(entries(store, kind)) for kind in ("outputs", "metrics", "reference")}
    for entry in entries(store, "model"):
        task = json.loads((entry / "entry.json").read_text())["facts"]["task"]["name"]
        count[task] = count.get(task, 0) + 1
    return count


def grown(store, before):
    return {kind: n - before[kind] for kind, n in kinds(store).items() if n != before[kind]}


def test_another_class_takes_original_judge_and_samples_from_the_store(run, store):
    first = run(*command("ft"))
    before = kinds(store)
    second = run(*command("ft"), "forget.classes=[5]")
    # the oracle and its samples are new; what they come to, and the original's, is so for this class
    assert grown(store, before) == {"generation": 1, "outputs": 1, "metrics": 2}
    assert second["per_class"]["original"] == first["per_class"]["original"]
    assert second["original"]["UA"] == pytest.approx(100 - first["per_class"]["original"]["5"])


@pytest.mark.thorough
def test_another_seed_takes_the_judge_from_the_store(run, store):
    run(*command("ft"))
    before = kinds(store)
    run(*command("ft"), "seed=1")
    assert grown(store, before) == {"generation": 2, "outputs": 2, "metrics": 2}


@pytest.mark.thorough
def test_several_classes_are_forgotten_together(run):
    result = run(*command("ga"), "forget.classes=[3,8]")
    shares = result["per_class"]["ga"]
    assert result["metrics"]["UA"] == pytest.approx(100 - (shares["3"] + shares["8"]) / 2)
    assert result["metrics"]["RA"] == pytest.approx(
        sum(share for name, share in shares.items() if name not in "38") / 8, abs=1e-4
    )


def test_without_an_oracle(run):
    result = run(*command("ga"), "oracle=false")
    assert set(result["metrics"]) == OF_ONE_MODEL
    assert result["gap"] is result["oracle"] is None


def test_a_finished_run_is_answered_from_its_folder(run):
    first = run(*command("ga"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Compute, "__init__", lambda *_: pytest.fail("something was computed"))
        assert run(*command("ga")) == first


def test_the_same_command_gives_the_same_numbers(run, tmp_path):
    """From nothing, in another folder."""
    here = run(*command("salun"))
    (there,) = unlearn(f"paths.outputs={tmp_path}", *command("salun"))
    assert lasting(there) == lasting(here)
    assert all(torch.equal(value, weights(there)[name]) for name, value in weights(here).items())
