"""Strided 1 x 1 convolutions of few channels, whose gradient oneDNN's AVX2 code gets wrong in NHWC."""

import pytest
import torch
from torch import nn

from unlearn_cli.runtime.compute import Compute

SIZE, IMAGES = 8, 63


def gradient(layer: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
    layer(x).square().sum().backward()
    return layer.weight.grad


@pytest.mark.parametrize("channels", [1, 3, 4, 7, 8, 16])
def test_their_gradient_is_that_of_the_contiguous_layout(channels):
    compute = Compute("cpu", "fp32", channels_last=True, compile=False)
    torch.manual_seed(0)
    layer, x = nn.Conv2d(channels, 8, 1, stride=2), torch.randn(IMAGES, channels, SIZE, SIZE)
    own, seen = nn.Conv2d(channels, 8, 1, stride=2), []
    own.load_state_dict(layer.state_dict())
    placed = compute.place(compute.place(own))
    placed.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    torch.testing.assert_close(gradient(placed, compute.layout(x)), gradient(layer, x), rtol=1e-4, atol=1e-4)
    (given,) = seen
    narrow = channels < 8
    assert (given.stride() == x.stride()) == narrow, "all others stay in the channels-last layout"
    assert len(placed._forward_pre_hooks) == narrow
