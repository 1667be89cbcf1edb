"""A diffusion model of plain diffusers forgets a class in one command; diffusers opens what comes back."""

from pathlib import Path

import own_generator
import pytest
import torch
from diffusers import DDPMPipeline
from diffusers.utils import logging

from unlearn_cli.api.export import exported
from unlearn_cli.api.loading import load

X, T, CLASSES = torch.randn(4, 1, 8, 8), torch.tensor([0, 10, 500, 999]), torch.tensor([0, 3, 9, 10])
SHORT = (
    "task=generation",
    "method=ft",
    "method.epochs=1",
    "method.lr=1e-3",
    "data.subset=0.2",
    "eval.relearning.samples=0",
)


@pytest.fixture
def mine(tmp_path):
    logging.disable_progress_bar()
    own_generator.trained(tmp_path / "mine", clip_sample_range=2.0, variance_type="fixed_large")
    return tmp_path / "mine"


def noise(net) -> torch.Tensor:
    with torch.no_grad():
        return own_generator.predict(net.eval(), X, T, CLASSES)


@pytest.mark.parametrize("oracle", ["oracle=false", pytest.param("oracle=true", marks=pytest.mark.thorough)])
def test_a_pipeline_of_diffusers(run, mine, tmp_path, oracle):
    result = run(*SHORT, "model=diffusers", f"model.weights={mine}", oracle, "train.epochs=1")
    assert (result["oracle"] is None) == (oracle == "oracle=false")
    assert result["own_model"]["trained_on"]["said_by"] == "train"
    assert result["own_model"]["input"] == {"size": [8, 8], "preprocessing": None}
    folder = Path(result["folder"])
    ours, theirs = load(folder), DDPMPipeline.from_pretrained(mine)
    with torch.no_grad():
        expected = ours(X, T, CLASSES)
    assert not torch.equal(expected, noise(theirs.unet))
    for place in (folder / "unlearned", exported(folder, "diffusers", tmp_path / "exported")):
        back = DDPMPipeline.from_pretrained(place)
        assert torch.equal(noise(back.unet), expected)
        assert back.scheduler.config == theirs.scheduler.config
        assert (place / "unet" / "config.json").read_bytes() == (mine / "unet" / "config.json").read_bytes()


@pytest.mark.thorough
def test_a_state_dict_without_a_null_class(run, tmp_path):
    net = own_generator.unet(null=0)
    torch.save({"step": 9, "model": net.state_dict()}, tmp_path / "mine.pt")
    result = run(
        *(*SHORT, "eval.sampler.guidance=0", f"model.weights={tmp_path / 'mine.pt'}"),
        *("model.channels=[8,16]", "model.head_dim=4", "model.groups=4"),
    )
    back = torch.load(Path(result["folder"]) / "unlearned.pt", weights_only=True)
    assert back["step"] == 9
    net.load_state_dict(back["model"])
    with torch.no_grad():
        expected = load(result["folder"])(X[:3], T[:3], CLASSES[:3])
    assert torch.equal(own_generator.predict(net.eval(), X[:3], T[:3], CLASSES[:3]), expected)
