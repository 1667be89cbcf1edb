"""The class-conditional UNet on squares of pixels: for side 2 a fourth of the positions, and of the time."""

from dataclasses import replace

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.class_conditional import ClassConditional
from unlearn_cli.models.diffusion.unet import UNetSettings


class Patched(ClassConditional):
    """What the network sees of an image (B, c, H, W) are its squares, (B, c·side², H/side, W/side)."""

    def __init__(self, inner: ClassConditional, side: int):
        """inner: the network on squares."""
        super().__init__(inner.unet, inner.process, inner.null, inner.label_drop, inner.has_null)
        self.side = side

    def predict(self, x: Tensor, t: Tensor, conditioning: Tensor) -> Tensor:
        return F.pixel_shuffle(super().predict(F.pixel_unshuffle(x, self.side), t, conditioning), self.side)


class PatchedUNetSettings(UNetSettings):
    """A UNet whose positions are squares of pixels (as U-ViT's patches, Bao et al., CVPR 2023)."""

    side: int = Field(
        gt=1,
        description="pixels of a side of the squares that are the network's positions; divides the images'",
    )

    def build(self, images: ImageSpec) -> Patched:
        """As `UNetSettings.build`. InputError: squares that do not fit the images."""
        if wrong := [side for side in images.size if side % self.side]:
            raise InputError(
                f"model.side: {self.side} does not divide the images' {wrong[0]} pixels; give a divisor"
            )
        height, width = (pixels // self.side for pixels in images.size)
        squares = replace(images, channels=images.channels * self.side**2, size=(height, width))
        return Patched(super().build(squares), self.side)
