"""How an opened picture becomes the pixels that a model is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageOps


class Geometry(Protocol):
    """Pictures as they are stored (any size and mode) to uint8 pixels; called in worker processes, too."""

    def __call__(self, image: Image.Image) -> np.ndarray:
        """(C, H, W) uint8."""


class Preprocessing(Geometry, Protocol):
    """A ready-made model's own: all that its library does with a picture before pixels become floats."""

    def facts(self) -> dict[str, Any]:
        """What determines its pixels, fit for JSON."""


@dataclass(frozen=True)
class Fitted:
    """For models that are trained here: scaled (bilinear) and cropped to a square, or taken as it is."""

    channels: int
    side: int | None
    """Pixels of the square; None: as it is."""

    def __call__(self, image: Image.Image) -> np.ndarray:
        image = image.convert("L" if self.channels == 1 else "RGB")
        if self.side is not None:
            image = ImageOps.fit(image, (self.side, self.side), Image.Resampling.BILINEAR)
        return channels_first(image)


def channels_first(image: Image.Image) -> np.ndarray:
    """(C, H, W) uint8 of a picture of 8 bits."""
    pixels = np.asarray(image)
    return pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
