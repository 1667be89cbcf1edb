"""Whole runs of a tiny LLaVA on a few built-in scenes: red goes by every method, a killed run goes on."""

import json
import signal
from pathlib import Path

import pytest
import torch
from run_results import entries, lasting
from safetensors.torch import load_file
from tiny_commands import methods, short
from tiny_processes import signalled
from tiny_run import unlearn
from transformers import LlavaForConditionalGeneration

from unlearn_cli.sae.artifact import attach_file

METHODS = [m for m in methods("vlm") if m not in ("original", "retrain", "checkpoint", "transfer")]
WITHOUT_WEIGHTS = ("sauce", "random_features", "mean_difference", "leace", "prompt_suppression")
ALWAYS = ("eligible", "refusals", "invalid", "same_image", "in_domain", "cross_domain", "concept_probe")
KNOWN = ("UA_direct", "UA_choice", "UA_jailbreak", "UA_typographic", "UA_pixels", "UA_relearnt", "H")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(outputs):
    """run(*arguments): the result of a run; all share a store, and one original."""

    def result(*arguments, **more):
        (found,) = unlearn("task=vlm", f"paths.outputs={outputs}", "oracle=false", *arguments, **more)
        return found

    return result


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, outputs, method):
    result = run(*short(method))
    assert {*ALWAYS, *KNOWN} <= result["metrics"].keys()
    changed = load_file(Path(result["folder"]) / "delta.safetensors")
    assert bool(changed) == (method not in WITHOUT_WEIGHTS)
    assert len(entries(outputs / "store", "model")) == 1
    assert result["original"]["UA_direct"] == 0 < result["original"]["eligible"]


def test_the_default_run_has_an_oracle_and_figures(outputs):
    (result,) = unlearn("task=vlm", f"paths.outputs={outputs}", *short("sauce"), figures=True)
    assert result["oracle"].keys() >= {*ALWAYS, *KNOWN}
    folder = Path(result["folder"])
    drawn = {file.name for file in (folder / "figures").iterdir()}
    assert drawn == {"training_curves.png", "answers.png", "pareto.png", "features_red.png"}
    assert {"colour", "colour=red", "shape=circle", "caption"} <= result["per_class"]["sauce"].keys()
    trials = json.loads((folder / "trials.json").read_text())
    assert len(trials) == 2
    assert sum(trial["chosen"] for trial in trials) == 1
    assert any(trial["front"] for trial in trials)
    assert max(trials, key=lambda trial: trial["H"])["chosen"]


def test_two_concepts_at_once_tell_how_they_interfere(run):
    result = run(*short("sauce"), "forget.concept=[red,circle]")
    folder = Path(result["folder"])
    assert {file.name for file in (folder / "edits").glob("*.safetensors")} == {
        "circle.safetensors",
        "red.safetensors",
    }
    found = json.loads((folder / "interference.json").read_text())
    assert {*found} == {"red", "circle"}
    assert all({"alone", "together"} == scores.keys() for scores in found.values())


def test_a_concepts_file_is_attached_to_the_exported_model_and_detached_without_a_trace(run, outputs):
    result = run(*short("sauce"))
    models = entries(outputs / "store", "model")  # an oracle may be among them
    original = next(entry for entry in models if '"original"' in (entry / "history.json").read_text())
    model = LlavaForConditionalGeneration.from_pretrained(original / "model").eval()
    inputs = {
        "pixel_values": torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)),
        "input_ids": torch.tensor([[*[model.config.image_token_id] * 16, 7, 8]]),
    }
    with torch.no_grad():
        plain, before = model(**inputs).logits, set(model.state_dict())
        (made,) = attach_file(model, Path(result["folder"]) / "edits" / "red.safetensors")
        assert not torch.equal(model(**inputs).logits, plain)
        made.remove()
        assert torch.equal(model(**inputs).logits, plain)
    assert set(model.state_dict()) == before


@pytest.mark.parametrize("method", ["sauce", "leace", "prompt_suppression"])
def test_a_run_that_had_unlearned_goes_on_with_what_it_attached(run, method):
    """As if it had been killed while it was judged."""
    first = run(*short(method))
    folder = Path(first["folder"])
    status = json.loads((folder / "status.json").read_text())
    (folder / "status.json").write_text(json.dumps(status | {"state": "running"}))
    (folder / "metrics.json").unlink()
    again = run(*short(method))
    assert lasting(again)["metrics"] == lasting(first)["metrics"]
    other = run("method=checkpoint", f"method.path={folder}")
    assert other["metrics"] == first["metrics"]


def test_adapters_change_what_they_are_for_alone(run):
    result = run(*short("ga"), "lora=lora", "lora.targets=[q_proj]")
    changed = load_file(Path(result["folder"]) / "delta.safetensors")
    assert changed
    assert all(name.endswith("q_proj.weight") for name in changed)


def test_the_autoencoder_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path):
    command = ("task=vlm", "oracle=false", *short("sauce"), "method.max_steps=6", "method.epochs=6")
    command += ("checkpoint_minutes=0", "method.batch_size=64", "train.max_steps=30")
    (whole,) = unlearn(f"paths.outputs={tmp_path / 'whole'}", *command)
    killed = (f"paths.outputs={tmp_path / 'killed'}", *command)
    assert signalled(signal.SIGKILL, "sae.resume.pt", 3, *killed) == -signal.SIGKILL
    (resumed,) = unlearn(*killed)
    assert lasting(resumed) == lasting(whole)
    one, two = (
        load_file(entries(tmp_path / name / "store", "sae")[0] / "model.safetensors")
        for name in ("whole", "killed")
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_edits_found_on_one_model_work_on_another(run):
    first = run(*short("sauce"))
    same = run("method=transfer", f"method.path={first['folder']}")
    assert same["metrics"] == first["metrics"]
    projector = run(
        "method=transfer", f"method.path={first['folder']}", "method.layer=model.multi_modal_projector"
    )
    assert projector["metrics"]["eligible"] == first["metrics"]["eligible"]
