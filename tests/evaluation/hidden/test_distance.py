"""Distances and ways between models whose weights are known."""

import copy

import numpy as np
import pytest
import torch
from planted import Net, hidden_by_bias, original
from torch import nn

from unlearn_cli.evaluation.hidden.distance import (
    Distance,
    count_statistics,
    interpolated,
    relative_distance,
)

DISTANCE = Distance(points=5, rows=100)


def test_distances_are_relative_to_the_original():
    model = original()
    size = (30**2 + 2 * 10**2 + 1) ** 0.5  # weights, gain
    assert relative_distance(Net(bias=-4.0), model) == pytest.approx(4 / size)
    assert relative_distance(model, model) == 0


def test_the_way_is_straight_and_from_the_original():
    start, end = nn.Linear(2, 2), nn.Linear(2, 2)
    quarter = interpolated(start, end, 0.25)
    assert torch.allclose(quarter.weight, 0.75 * start.weight + 0.25 * end.weight)
    assert torch.equal(interpolated(start, end, 0.0).bias, start.bias)
    assert torch.equal(interpolated(start, end, 1.0).bias, end.bias)


def test_a_bias_leaves_no_barrier(planted):
    found = DISTANCE.inspect(planted.subject(hidden_by_bias()))
    assert found.metrics["barrier"] == 0
    assert found.record["alpha"] == [0, 0.25, 0.5, 0.75, 1]
    assert found.record["TA"] == [100] * 5
    forgets = found.record["forget"]
    assert (forgets[0], forgets[1], forgets[-1]) == (100, 100, 0)  # 28 − 40·α falls behind 10 on the way


def test_a_mirrored_network_is_as_good_and_behind_a_barrier(planted):
    """g·W = (−g)·(−W): half way there is nothing left, and class 0, the first, is the answer."""
    model = original()
    with torch.no_grad():
        model.gain.neg_()
        model.head.weight.neg_()
    found = DISTANCE.inspect(planted.subject(model))
    assert found.record["TA"][0] == found.record["TA"][-1] == 100
    assert found.record["TA"][2] == 0
    assert found.metrics["barrier"] == 100
    assert found.metrics["L2_original"] == pytest.approx(2, rel=1e-6)


def test_a_model_that_is_worse_has_no_barrier_for_being_worse(planted):
    """The way may go down as evenly as from one end to the other."""
    accuracies = iter([100, 90, 80, 70, 60])
    forget = iter([100] * 5)

    class Task:
        def glance(self, model, trainer, rows):
            return {"acc": next(accuracies if len(rows) == len(planted.sets.test) else forget)}

    planted.origins.experiment.task = Task()
    assert DISTANCE.inspect(planted.subject(hidden_by_bias())).metrics["barrier"] == 0


def test_added_parameters_have_no_distance(planted):
    model = original()
    model.more = nn.Linear(1, 1)
    assert DISTANCE.inspect(planted.subject(model)).metrics == {}


def test_running_statistics_are_those_of_the_rows(planted):
    rows = np.arange(40)
    (batch,) = planted.origins.trainer(planted.folder).batches(rows)
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(4), nn.Dropout(0.5)).eval()
    other = copy.deepcopy(model)
    count_statistics(model, planted.origins.trainer(planted.folder), rows)
    x = batch.x.flatten(1)
    assert torch.allclose(model[1].running_mean, x.mean(0), atol=1e-6)
    assert torch.allclose(model[1].running_var, x.var(0), atol=1e-6)
    assert not model.training
    assert not torch.allclose(other[1].running_mean, x.mean(0))
