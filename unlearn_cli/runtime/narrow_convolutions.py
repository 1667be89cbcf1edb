"""Convolutions that oneDNN gets wrong in the channels-last layout: kept out of it."""

import torch
from torch import Tensor, nn

VECTOR = 8
"""Numbers that an AVX2 register holds, oneDNN's block of channels."""


def keep_out_of_channels_last(model: nn.Module) -> None:
    """Let strided 1 x 1 convolutions of fewer input channels than a vector holds see the contiguous layout.

    oneDNN's AVX2 code overruns its workspace as it makes their weights' gradient (its issue 6035, open in
    v3.12): the process dies of a damaged heap, or the gradient is wrong.
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d) and _is_affected(layer):
            layer.weight.data = layer.weight.data.clone(memory_format=torch.contiguous_format)
            if _contiguous not in layer._forward_pre_hooks.values():
                layer.register_forward_pre_hook(_contiguous)


def _is_affected(layer: nn.Conv2d) -> bool:
    strided = layer.kernel_size == (1, 1) and max(layer.stride) > 1
    return strided and layer.in_channels // layer.groups < VECTOR


def _contiguous(layer: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
    """A copy: the strides of a single channel's images are those of either layout."""
    return (inputs[0].clone(memory_format=torch.contiguous_format),)
