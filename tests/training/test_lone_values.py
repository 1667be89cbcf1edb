"""One image at a time, where batch normalisation sees one pixel of it."""

import pytest
import torch
from torch import nn

from unlearn_cli.training.lone_values import by_running_statistics


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4, 2)
    ).train()


def test_a_lone_value_is_normalised_by_the_running_statistics():
    model, x = network(), torch.rand(1, 1, 3, 3)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        model(x)
    before = [buffer.clone() for buffer in model.buffers()]
    with by_running_statistics(model):
        model(x).sum().backward()
        assert all(layer.training for layer in model.modules())
    assert all(torch.equal(old, new) for old, new in zip(before, model.buffers(), strict=True))
    assert torch.equal(model(torch.cat([x, x]))[:1], model(torch.cat([x, x]))[1:])
    assert torch.allclose(network().eval()(x), network().eval()(x))


@pytest.mark.parametrize("size", [(2, 1, 3, 3), (1, 1, 4, 3)])
def test_more_values_are_as_without(size):
    x = torch.rand(size)
    plain, other = nn.BatchNorm2d(1).train(), nn.BatchNorm2d(1).train()
    with by_running_statistics(other):
        assert torch.equal(plain(x), other(x))
    assert torch.equal(plain.running_mean, other.running_mean)


def test_layers_at_rest_stay_at_rest_and_nothing_is_left_behind():
    model = network()
    model[1].eval()
    with by_running_statistics(model):
        model(torch.rand(1, 1, 3, 3))
        assert not model[1].training
    assert not model[1]._forward_pre_hooks
    assert not model[1]._forward_hooks
