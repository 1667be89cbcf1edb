"""Diffusion models of one's own that do not fit, through the real command: one line, and no run."""

import own_generator
import pytest
import torch
from diffusers import DDPMScheduler

SCHEDULED = "model=diffusers model.weights=mine"


@pytest.fixture(autouse=True)
def files(tmp_path):
    net = own_generator.unet(null=0)
    net.save_pretrained(tmp_path / "mine" / "unet")
    net.save_pretrained(tmp_path / "alone")
    DDPMScheduler().save_pretrained(tmp_path / "mine" / "scheduler")
    torch.save(net.state_dict(), tmp_path / "mine.pt")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            f"{SCHEDULED} method=ft",
            "eval.sampler.guidance: needs a model that was trained with label drop; give weights with",
        ),
        (
            f"{SCHEDULED} method=esd eval.sampler.guidance=0",
            "method: ESD needs a model that was trained with",
        ),
        (f"{SCHEDULED} model.channels=[8,16]", "model.channels: no such key"),
        (
            f"{SCHEDULED} model.beta_schedule=scaled_linear",
            "model.beta_schedule: scaled_linear, but mine/sched",
        ),
        ("model=diffusers model.weights=alone", "model.timesteps: not said, for 'alone' has no scheduler_co"),
        ("model=diffusers", "model.weights: missing; set model.weights=FOLDER"),
        (
            "model=diffusers model.weights=mine.pt",
            "model.weights: 'mine.pt': is a file; it goes with model=unet",
        ),
        ("model.weights=mine", "model.weights: no file but a folder 'mine'; give a state dict"),
        ("model.weights=mine.pt", "model.weights: mine.pt is of another architecture: "),
        ("model.weights=mine.pt model.input.mean=[0]", "model.input.mean: no such key"),
        ("model.trained_on=rows.txt", "model.trained_on: tells of model.weights, and that is not set"),
    ],
)
def test_it_is_told_in_a_line(refused, arguments, line):
    assert refused("task=generation", *arguments.split()).startswith(line)
