"""Batched augmentation. Draws come from torch's global CPU generator: a seed fixes them on any device."""

import math

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings


class Augment(Settings):
    """Random changes to training images."""

    crop_padding: int = Field(ge=0, description="zeros around the image before a random crop of its own size")
    flip: bool = Field(description="mirror left to right with probability 1/2")
    random_resized: bool = Field(
        description="crop 8 to 100 % of the area at aspect 3/4 to 4/3, scaled back to the image's size"
    )


def crop_and_flip(x: Tensor, padding: int, flip: bool) -> Tensor:
    """Pad (B, C, H, W) with zeros and cut each image's own window of H x W; then mirror half of them."""
    count, _, height, width = x.shape
    if padding:
        top, left = torch.randint(2 * padding + 1, (2, count)).to(x.device)
        windows = F.pad(x, [padding] * 4).unfold(2, height, 1).unfold(3, width, 1)
        x = windows[torch.arange(count, device=x.device), :, top, left]
    if flip:
        mirrored = (torch.rand(count) < 0.5).to(x.device)
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    return x


def random_resized_crop(x: Tensor, flip: bool) -> Tensor:
    """Inception's crop (Szegedy et al. 2015): 8 to 100 % of the area, aspect 3/4 to 4/3, at a random place.

    Float (B, C, H, W) in and out; bilinear. A window larger than the image is cut to it.
    """
    count = len(x)
    area = torch.empty(count).uniform_(0.08, 1)
    aspect = torch.empty(count).uniform_(-math.log(4 / 3), math.log(4 / 3)).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    across, down = torch.rand(2, count) * 2 - 1
    side = torch.where(torch.rand(count) < 0.5, -1.0, 1.0) if flip else torch.ones(count)
    # Output to input coordinates, both in [-1, 1]: scale, then shift within what the window leaves free.
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = side * width, across * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, down * (1 - height)
    grid = F.affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid.to(x.dtype), padding_mode="border", align_corners=False)
