"""How diffusers' training scripts bring a picture to a pipeline's size."""

from typing import Any

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from unlearn_cli.data.geometry import Preprocessing, channels_first


class ShorterSide:
    """The shorter side is scaled to `side` pixels by Lanczos' filter, as `VaeImageProcessor` scales, and the
    middle is cut out. What comes after (to [-1, 1]) the model does.

    Source: diffusers, examples/text_to_image/train_text_to_image.py with --center_crop.
    """

    def __init__(self, side: int):
        self.side = side
        self._steps = Compose([Resize(side, InterpolationMode.LANCZOS), CenterCrop(side)])

    def facts(self) -> dict[str, Any]:
        return {"diffusers": "shorter side, lanczos, centre", "side": self.side}

    def __call__(self, image: Image.Image) -> np.ndarray:
        return channels_first(self._steps(image.convert("RGB")))


_: type[Preprocessing] = ShorterSide  # what it claims, mypy verifies
