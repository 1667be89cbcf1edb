"""Whole runs on a pipeline folder of Stable Diffusion's layout with small random weights."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline
from PIL import Image
from run_results import entries
from safetensors.torch import load_file
from tiny_commands import methods, short
from tiny_pipeline import built, saved
from tiny_run import unlearn

from unlearn_cli.models.delta import load_delta
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.run_model import RECORD
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.sealed import write_sealed

METHODS = [m for m in methods("text_to_image") if m not in ("original", "retrain", "checkpoint")]
LAYER = "method.layer=up_blocks.1.attentions.0"  # of the small pipeline


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run(outputs):
    """run(*arguments): the result of a run that erases the parachute from the pipeline; all share a store."""
    folder = saved(outputs / "pipe")

    def result(*arguments):
        (found,) = unlearn(
            "task=text_to_image",
            "model=pipeline",
            f"model.path={folder}",
            "data=generated",
            "forget.concept=parachute",
            "forget.anchor=airplane",
            f"paths.outputs={outputs}",
            *arguments,
        )
        return found

    return result


@pytest.mark.parametrize("method", METHODS)
def test_every_method_runs_to_the_end(run, method):
    result = run(*short(method), *([LAYER] if method == "saeuron" else []))
    changed = load_file(Path(result["folder"]) / "delta.safetensors")
    assert bool(changed) == (method != "saeuron")
    encoder = [name for name in changed if name.startswith("text_encoder.")]
    assert bool(encoder) == (method == "adv_unlearn")


@pytest.mark.parametrize("method", ["doco", "uce"])
def test_its_delta_takes_a_fresh_pipeline_to_the_same_weights(run, outputs, method):
    result = run(*short(method))
    file = Path(result["folder"]) / "delta.safetensors"
    changed = load_file(file)
    assert changed
    assert all("attn2.to_" in name for name in changed)
    fresh = load_delta(StableDiffusionPipeline.from_pretrained(outputs / "pipe"), file)
    own = fresh.unet.state_dict()
    assert all(torch.equal(own[name.removeprefix("unet.")], tensor) for name, tensor in changed.items())
    assert not (file.parent / "model.safetensors").exists()
    again = run("method=checkpoint", f"method.path={file}")
    assert load_file(Path(again["folder"]) / "delta.safetensors").keys() == changed.keys()


def test_the_original_is_the_pipeline_and_costs_nothing(run, outputs):
    result = run("method=original")
    assert result["cost"].keys() == {"delta_mb"}
    assert result["original_cost"] == {}
    assert "oracle" not in result or result["oracle"] is None
    assert load_file(Path(result["folder"]) / "delta.safetensors") == {}
    assert not (outputs / "store" / "model").exists()
    assert len(entries(outputs / "store", "data")) == len(entries(outputs / "store", "outputs")) == 1


def test_the_evaluation_draws_a_prompt_of_a_file_as_the_file_says(run, outputs, tmp_path):
    """Its seed, its guidance, and a folder for it."""
    (tmp_path / "retain.csv").write_text("prompt,evaluation_seed,evaluation_guidance\n../a dog,7,3.0\n")
    arguments = (f"data.retain={tmp_path / 'retain.csv'}", "eval.sampler.eta=0", "eval.save_samples=true")
    result = run("method=original", *arguments)
    (file,) = (Path(result["folder"]) / "samples" / "a dog").glob("*.png")
    model = built(outputs / "pipe", ["../a dog"])
    noise = torch.randn(1, 4, 8, 8, generator=torch.manual_seed(7))
    sampler = Sampler(steps=2, eta=0.0, guidance=2.0, batch_size=1, seed=0)
    (image,) = sampler.sample(model, noise, torch.tensor([0]), Compute("cpu", "fp32", False, False))
    expected = (255 * image).round().to(torch.uint8).permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(Image.open(file)).astype(int) - expected).max() <= 1


def test_a_run_that_had_unlearned_goes_on_with_its_delta(run, capsys):
    """As if it had been killed while it was judged."""
    first = run("method=uce")
    folder = Path(first["folder"])
    history = json.loads((folder / "history.json").read_text())
    record = {"cost": first["cost"], "history": history}
    write_sealed(folder / RECORD, record)
    for name in ("metrics.json", "status.json"):
        (folder / name).unlink()
    before = (folder / "delta.safetensors").stat().st_mtime_ns
    capsys.readouterr()
    again = run("method=uce")
    assert "resumed: the model is unlearned already" in capsys.readouterr().err
    assert again["metrics"] == first["metrics"]
    assert (folder / "delta.safetensors").stat().st_mtime_ns == before
