"""A small fast network for small images, after cifar10-airbench (Jordan 2024, arXiv:2404.00498)."""

from typing import Annotated

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.classifiers.normalise import Normalised

PATCH = 2
"""Pixels a side of the whitened patches."""
FIRST_LOOK = 5000
"""Images whose patches are whitened, as in airbench."""
LEAST_VARIANCE = 5e-4
"""Added to the variance of each direction of a patch, so that noise is not blown up (airbench's)."""


class AirbenchSettings(ModelSettings):
    widths: list[Annotated[int, Field(gt=0)]] = Field(
        min_length=1, description="channels of each group; a group halves the size of the image"
    )
    norm_momentum: float = Field(
        gt=0, le=1, description="how much of a batch enters the running statistics of batch norm"
    )
    scale: float = Field(gt=0, description="factor of the features that the last layer reads")

    def build(self, images: ImageSpec) -> Normalised:
        """InputError: images that the groups would halve to nothing."""
        least = 2 ** len(self.widths) + PATCH - 1
        if min(images.size) < least:
            raise InputError(
                f"data.size: {len(self.widths)} groups halve images of {least} pixels a side or more, these "
                f"have {min(images.size)}; give fewer model.widths, or choose model=resnet20"
            )
        classes = len(images.classes)
        net = Airbench(self.widths, self.norm_momentum, self.scale, images.channels, classes)
        return Whitened(net, images.mean, images.std)


class Airbench(nn.Module):
    """Normalised images (B, channels, H, W) -> logits (B, classes).

    A whitened stem, groups of two convolutions with max pooling and batch norm, the largest value of each
    channel, one linear layer without bias.
    """

    def __init__(self, widths: list[int], momentum: float, scale: float, channels: int, classes: int):
        super().__init__()
        self.stem = WhitenedStem(channels)
        inputs = [len(self.stem.bias), *widths[:-1]]
        self.groups = nn.Sequential(*(Group(*pair, momentum) for pair in zip(inputs, widths, strict=True)))
        self.scale = scale
        self.head = nn.Linear(widths[-1], classes, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.groups(self.stem(x)).amax((2, 3)) * self.scale)


class WhitenedStem(nn.Module):
    """(B, channels, H, W) -> (B, 8 · channels, H − 1, W − 1): patches of 2 x 2 pixels, whitened.

    The directions are no weights: they are set from the images that the network learns, and no method moves
    them; the bias is learnt.
    """

    directions: Tensor

    def __init__(self, channels: int):
        super().__init__()
        size = channels * PATCH**2
        self.register_buffer("directions", torch.randn(2 * size, channels, PATCH, PATCH) / size**0.5)
        self.bias = nn.Parameter(torch.zeros(2 * size))

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.gelu(F.conv2d(x, self.directions, self.bias))

    @torch.no_grad()
    def whiten(self, x: Tensor) -> None:
        """From images (n, channels, H, W): their patches' principal directions, each scaled to a mean square
        of 1, with both signs (Page 2018, "How to train your ResNet"; as in airbench, means are left in)."""
        products, count = torch.zeros(()), 0
        for part in x.cpu().double().split(500):
            patches = F.unfold(part, PATCH).transpose(1, 2).flatten(0, 1)
            products, count = products + patches.T @ patches, count + len(patches)
        squares, directions = torch.linalg.eigh(products / count)
        scaled = (directions / (squares + LEAST_VARIANCE).sqrt()).T.reshape(-1, *self.directions.shape[1:])
        self.directions.copy_(torch.cat([scaled, -scaled]))


class Group(nn.Module):
    """(B, inputs, H, W) -> (B, outputs, H/2, W/2)."""

    def __init__(self, inputs: int, outputs: int, momentum: float):
        super().__init__()
        self.conv1 = PassingConv(inputs, outputs)
        self.norm1 = ShiftNorm(outputs, momentum)
        self.conv2 = PassingConv(outputs, outputs)
        self.norm2 = ShiftNorm(outputs, momentum)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm1(F.max_pool2d(self.conv1(x), 2)))
        return F.gelu(self.norm2(self.conv2(x)))


class PassingConv(nn.Conv2d):
    """3 x 3, without bias; at first its leading outputs are its inputs."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def reset_parameters(self) -> None:
        super().reset_parameters()
        with torch.no_grad():
            nn.init.dirac_(self.weight[: self.in_channels])


class ShiftNorm(nn.BatchNorm2d):
    """Batch norm that learns a bias and no factor, which is a buffer of ones."""

    def __init__(self, channels: int, momentum: float):
        super().__init__(channels, momentum=momentum)
        del self.weight
        self.register_buffer("weight", torch.ones(channels), persistent=False)


class Whitened(Normalised):
    """Its stem is set from the images that it learns."""

    first_look = FIRST_LOOK

    def begin_from(self, x: Tensor) -> None:
        net = self.net
        assert isinstance(net, Airbench)
        net.stem.whiten((x - self.mean) / self.std)
