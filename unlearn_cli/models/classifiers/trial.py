"""A blank image through a classifier, before anything is trained."""

import torch
from torch import nn

from unlearn_cli.errors import InputError, in_a_line


@torch.no_grad()
def check_takes(model: nn.Module, name: str, channels: int, size: tuple[int, int]) -> None:
    """InputError: images of these channels, that height and width are too small for it, or too large."""
    model.eval()
    try:
        model(torch.zeros(1, channels, *size))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise InputError(
            f"data.size: {name} cannot take images of {size[0]}x{size[1]} pixels ({in_a_line(error)}); "
            "give larger images or choose model=resnet20"
        ) from error
    model.train()
