"""How pictures reach weights that were trained elsewhere: their size, their pixels' mean and std."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field
from torchvision.transforms import CenterCrop, InterpolationMode, Resize

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.geometry import Preprocessing, channels_first
from unlearn_cli.data.settings import Level, Spread

Side = Annotated[int, Field(gt=0)]
HeightAndWidth = Annotated[tuple[Side, ...], Field(min_length=2, max_length=2)]
GREY = ("1", "L", "LA", "I", "I;16", "F")
"""Modes of pictures without colour."""


class Input(Settings):
    """What the weights' own files do not say of their preprocessing, or say otherwise."""

    mean: tuple[Level, ...] | None = Field(
        default=None,
        min_length=1,
        description="per channel, of the training's Normalize, for pixels in [0, 1]; null: as the weights' "
        "own files say",
    )
    std: tuple[Spread, ...] | None = Field(default=None, min_length=1, description="as `mean`")
    resize: Literal["auto"] | Side | HeightAndWidth | None = Field(
        default="auto",
        description="pixels of the shorter side, or [height, width]; null: pictures come as data.size says; "
        "auto: as the weights' own files say, else null",
    )
    crop: Side | None = Field(default=None, description="pixels of the square cut out of the middle")
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos"] = Field(
        default="bilinear", description="filter of `resize` (torchvision's Resize on a PIL picture)"
    )

    def geometry(self, known: Known) -> Preprocessing | None:
        """What becomes of a picture; None: what the data's settings make of it."""
        if self.resize == "auto" and self.crop is None:
            return known.geometry
        resize = None if self.resize == "auto" else self.resize
        if resize is None and self.crop is None:
            return None
        return Scaled(resize, self.crop, self.interpolation, known.channels)


@dataclass(frozen=True)
class Known:
    """What the weights' own files say; None: nothing."""

    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    geometry: Preprocessing | None = None
    channels: int | None = None
    classes: Sequence[str] | None = None
    """Names of the outputs, in their order."""


@dataclass(frozen=True)
class Scaled:
    """Scaled and cropped as torchvision's transforms do it with PIL's pictures."""

    resize: int | tuple[int, ...] | None
    crop: int | None
    interpolation: str
    channels: int | None
    """None: a grey picture stays grey."""

    def facts(self) -> dict[str, Any]:
        return {
            "resize": self.resize,
            "crop": self.crop,
            "interpolation": self.interpolation,
            "channels": self.channels,
        }

    def __call__(self, image: Image.Image) -> np.ndarray:
        return stepped(image, self.channels, self._steps)

    @cached_property
    def _steps(self) -> list[Any]:
        scaled = [] if self.resize is None else [Resize(self.resize, InterpolationMode(self.interpolation))]
        return [*scaled, *([] if self.crop is None else [CenterCrop(self.crop)])]


def stepped(image: Image.Image, channels: int | None, steps: Iterable[Any]) -> np.ndarray:
    """(C, H, W) uint8: the picture in so many channels of 8 bits, after a transform's steps."""
    grey = image.mode in GREY if channels is None else channels == 1
    image = image.convert("L" if grey else "RGB")
    for step in steps:
        image = step(image)
    return channels_first(image)


_: type[Preprocessing] = Scaled  # what it claims, mypy verifies
