"""New weights written into a model."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from unlearn_cli.training.mask import Mask


@torch.no_grad()
def write(model: nn.Module, weights: Mapping[str, Tensor], mask: Mask | None) -> None:
    """Put the weights, by parameter name, in place; entries that a mask holds keep their values."""
    for name, weight in weights.items():
        parameter = model.get_parameter(name)
        if mask and name in mask.tensors:
            weight = torch.where(mask.tensors[name].to(weight.device), weight, parameter)
        parameter.copy_(weight)
