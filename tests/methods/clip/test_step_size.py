"""The largest step that keeps the accuracy, on a model of one weight."""

import logging
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from unlearn_cli.methods.clip.step_size import largest_step, weights


class Falling:
    """A task whose accuracy is 80 % at the weight 1 and falls by 10 points with each unit."""

    def glance(self, model, trainer, rows):
        return {"acc": 90.0 - 10 * model.weight.item()}


@pytest.fixture
def counted():
    passes = []
    return SimpleNamespace(count_passes=lambda *number: passes.append(number), passes=passes)


def stepped(steps, keep, trainer):
    model = nn.Linear(1, 1, bias=False)
    start = {"weight": torch.ones(1, 1)}
    sets = SimpleNamespace(retain=np.arange(7))
    found = largest_step(
        Falling(), model, sets, trainer, start, {"weight": torch.full((1, 1), 2.0)}, steps, keep
    )
    return found, model.weight.item()


@pytest.mark.parametrize(
    ("keep", "step"),
    [
        (1.0, 0.0),  # 80 % are asked for
        (0.75, 1.0),  # 60 %: those at 1 + 2
        (0.74, 1.0),
        (0.0, 4.0),
    ],
)
def test_the_largest_that_keeps_the_accuracy(counted, keep, step):
    assert stepped([0.5, 4.0, 0.0, 1.0], keep, counted) == (step, 1 + 2 * step)


def test_with_none_the_model_stays(counted, caplog):
    with caplog.at_level(logging.INFO, "unlearn"):
        assert stepped([0.5, 1.0], 1.0, counted) == (0.0, 1.0)
    assert "no step keeps 80.0 %" in caplog.text
    assert counted.passes == [(7, 0)] * 4  # the original twice


def test_weights_are_copies():
    model = nn.Linear(2, 1)
    copy = weights(model, ["weight"])
    with torch.no_grad():
        model.weight += 1
    torch.testing.assert_close(copy["weight"] + 1, model.weight.detach())
    assert set(copy) == {"weight"}
