"""Batched augmentation. Draws come from torch's global CPU generator: a seed fixes them on any device."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings

Fill = Literal["zeros", "reflect"]


class Augment(Settings):
    """Random changes to training images."""

    crop_padding: int = Field(
        ge=0, description="pixels around the image before a random crop of its own size"
    )
    crop_fill: Fill = Field(
        default="zeros", description="what those pixels are: zeros, or the image mirrored at its edge"
    )
    flip: Literal["alternating"] | bool = Field(
        description="mirror left to right with probability 1/2; alternating: half of the images in an epoch, "
        "the other half in the next (Jordan 2024)"
    )
    random_resized: bool = Field(
        description="crop 8 to 100 % of the area at aspect 3/4 to 4/3, scaled back to the image's size"
    )


@dataclass(frozen=True)
class Epoch:
    """One pass of a phase: where alternating flips stand."""

    seed: int
    """Draws which images are mirrored first."""
    number: int


def flips(flip: Literal["alternating"] | bool, rows: Tensor, epoch: Epoch | None) -> Tensor | None:
    """(B,) bool, which images of these rows are mirrored; None: none is.

    Alternating (Jordan 2024, arXiv:2404.00498): whether a row is mirrored is drawn once, by the epoch's seed,
    and is the other way round in every second epoch, so that two epochs show each image and its mirror image.
    Outside of any epoch it is drawn now.
    """
    if not flip:
        return None
    if flip == "alternating" and epoch:
        # a hash and no draw: it is the same in whatever batch a row comes
        mixed = (rows + epoch.seed % 2**32) * 0x5851F42D4C957F2D
        mixed = (mixed ^ (mixed >> 29)) * 0x14057B7EF767814F
        return ((mixed >> 40) + epoch.number) % 2 == 1
    return (torch.rand(len(rows)) < 0.5).to(rows.device)


def random_crop(x: Tensor, padding: int, fill: Fill) -> Tensor:
    """Pad (B, C, H, W) and cut each image's own window of H x W."""
    if not padding:
        return x
    count, _, height, width = x.shape
    top, left = torch.randint(2 * padding + 1, (2, count)).to(x.device)
    padded = F.pad(x, [padding] * 4) if fill == "zeros" else mirrored_at_edge(x, padding)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(count, device=x.device), :, top, left]


def mirrored_at_edge(x: Tensor, padding: int) -> Tensor:
    """(B, C, H + 2p, W + 2p) of any type; the edge itself is not repeated. PyTorch's own has no uint8."""
    for dim in (2, 3):
        size = x.shape[dim]
        around = torch.arange(-padding, size + padding, device=x.device).abs()
        x = x.index_select(dim, size - 1 - (size - 1 - around).abs())
    return x


def mirror(x: Tensor, which: Tensor | None) -> Tensor:
    """(B, C, H, W) with these images, (B,) bool, mirrored left to right."""
    return x if which is None else torch.where(which[:, None, None, None], x.flip(-1), x)


def random_resized_crop(x: Tensor) -> Tensor:
    """Inception's crop (Szegedy et al. 2015): 8 to 100 % of the area, aspect 3/4 to 4/3, at a random place.

    Float (B, C, H, W) in and out; bilinear. A window larger than the image is cut to it.
    """
    count = len(x)
    area = torch.empty(count).uniform_(0.08, 1)
    aspect = torch.empty(count).uniform_(-math.log(4 / 3), math.log(4 / 3)).exp()
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    across, down = torch.rand(2, count) * 2 - 1
    # Output to input coordinates, both in [-1, 1]: scale, then shift within what the window leaves free.
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 0, 2] = width, across * (1 - width)
    theta[:, 1, 1], theta[:, 1, 2] = height, down * (1 - height)
    grid = F.affine_grid(theta.to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid.to(x.dtype), padding_mode="border", align_corners=False)
