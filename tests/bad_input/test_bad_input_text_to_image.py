"""Wrong input to text-to-image, through the real command: one line, exit code 2, nothing written."""

from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # the concept
        ("forget.concept=zebra", "forget.concept: no caption of shapes names 'zebra'; they are like"),
        ("forget.concept=dot", "forget.concept: no caption of shapes names 'dot'"),  # a part of "dotted"
        ("forget.anchor=dotted", "forget.anchor: 'dotted' is the concept itself"),
        ("forget.anchor=golden", "forget.anchor: 'golden' in place of 'dotted' makes"),
        (
            "forget.concept=[dotted,plain] forget.anchor=[plain,striped]",
            "forget.anchor: 'plain' is to be forgotten too; name one that stays",
        ),
        ("forget.kind=mood", "forget.kind: input should be 'object' or 'style'"),
        # methods
        (
            "method=doco forget=random",
            "forget: this method needs an anchor in the concept's place; use forget=con",
        ),
        ("method=doco method.stages=4", "method.stages: 4 stages halve latents of 8 pixels to 0, and 2 are"),
        ("method=doco method.parameters=lstm", "method.parameters: no parameter's name holds 'lstm'"),
        ("'method.parameters=\"(\"'", "method.parameters: value error, no regular expression"),
        ("method=saeuron method.layer=foo", "method.layer: the UNet has no 'foo'"),
        (
            "method=scrub task=classification data=digits surgery.projection=exact",
            "surgery.projection: no such",
        ),
        ("method=bs", "method: 'bs' does not fit task=text_to_image"),
        # evaluation
        ("eval.attacked=[foo]", "eval.attacked: "),
        ("eval.columns=[mood]", ": shapes has no column 'mood'; there is"),
        ("eval.sampler.steps=7", "eval.sampler.steps: 7 does not divide model.timesteps=1000; 5 does"),
        # pipelines
        ("model=pipeline model.path=nowhere/at/all", "model.path: "),
        ("model=sd15 method=retrain", "model"),
        ("model=sd15 data.prompts=nofile.txt", "data.prompts: "),
    ],
)
def test_it_is_refused(refused, monkeypatch, wrong, said):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    arguments = [word.strip("'") for word in wrong.split()]
    task = [] if any(word.startswith("task=") for word in arguments) else ["task=text_to_image"]
    assert said in refused(*task, *arguments)


def test_fp16_and_surgery(refused, monkeypatch):
    monkeypatch.setattr("unlearn_cli.runtime.compute.Compute.__init__", as_if_on_a_gpu)
    said = refused("task=text_to_image", "method=doco", "precision=fp16")
    assert said == "surgery: its two gradients need the range of bf16 or fp32; set precision=bf16"


def as_if_on_a_gpu(self, device, precision, channels_last, compile):
    """A `Compute` that says it is in fp16."""
    import torch
    from accelerate import Accelerator

    self.precision, self.channels_last, self.compile = precision, channels_last, compile
    self.undecided = False
    self.accelerator, self.device = Accelerator(cpu=True), torch.device("cpu")


def test_memory_that_does_not_suffice_is_told_with_what_helps(unlearn, monkeypatch):
    import torch

    from unlearn_cli.methods.diffusion.uce import UCE

    def exhausted(self, *arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(UCE, "unlearn", exhausted)
    small = ("data.images=2", "data.shapes=[circle,square]", "train.max_steps=1", "oracle=false")
    end = unlearn("task=text_to_image", "method=uce", "eval.judge.train.epochs=1", "progress=false", *small)
    assert end.code == 1
    assert end.error.startswith("out of memory while unlearning: halve method.batch_size")
    assert "Traceback" not in end.err
    assert [f.name for f in Path("outputs").rglob("*.partial")] == []
