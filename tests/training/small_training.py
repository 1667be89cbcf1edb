"""A model for the toy images that has everything a checkpoint must hold: buffers, dropout, weights."""

import torch
import torch.nn.functional as F
from torch import nn


def small_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 3)
    )


def cross_entropy(model, batch):
    return {"loss": F.cross_entropy(model(batch.x), batch.y)}


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_equal(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


def killed_after(step):
    """An objective that ends the process, as it were, in the step after so many."""
    seen = 0

    def objective(model, batch):
        nonlocal seen
        seen += 1
        if seen > step:
            raise KeyboardInterrupt
        return cross_entropy(model, batch)

    return objective


def second_epoch(row):
    return row["epoch"] == 2
