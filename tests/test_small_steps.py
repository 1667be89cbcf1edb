"""Threads of a run on a CPU: one for small steps of a classifier, all that are granted for others."""

from types import SimpleNamespace

import pytest
import torch
from omegaconf import OmegaConf
from tiny_commands import GENERATION, TINY

import unlearn_cli
from unlearn_cli import small_steps
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.experiment import read
from unlearn_cli.runtime import threads
from unlearn_cli.small_steps import decide_threads


@pytest.fixture
def taken(monkeypatch, tmp_path):
    """taken(*overrides): the threads that a run on digits takes, of three."""
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "most", lambda: 3)

    def of(*overrides: str) -> int:
        config, choices = unlearn_cli.compose("device=cpu", f"paths.outputs={tmp_path}", *overrides)
        experiment = read(OmegaConf.create(config), choices)
        data = SimpleNamespace(spec=ImageSpec(["a", "b"], 1, (8, 8), (0.5,), (0.5,)))
        decide_threads(SimpleNamespace(experiment=experiment, compute=experiment.compute(), data=data))
        return torch.get_num_threads()

    yield of
    torch.set_num_threads(before)


def test_small_steps_take_one(taken):
    assert [taken(), taken("train.batch_size=128"), taken("model=resnet18"), taken()] == [1, 3, 3, 1]


def test_others_than_classifiers_take_all(taken):
    assert taken(*GENERATION) == 3


def test_the_environment_stands(taken, monkeypatch):
    torch.set_num_threads(2)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert taken(*TINY) == 2


def test_a_measured_model_is_large(taken, monkeypatch):
    monkeypatch.setattr(small_steps, "is_measured", lambda *_: True)
    assert taken(*TINY) == 3


def test_looking_draws_nothing(taken):
    torch.manual_seed(3)
    taken(*TINY)
    drawn = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(drawn, torch.rand(2))
