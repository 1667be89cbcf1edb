"""What a processor of transformers does with a picture, up to where pixels become floats."""

from typing import Any

import numpy as np
from PIL import Image

PIXELS_ALONE: dict[str, Any] = {"do_rescale": False, "do_normalize": False}
"""Of what a processor does: colours, size, crop and padding."""
PROBES = ((64, 48), (48, 64))
"""Sizes of pictures that tell whether all come out alike."""


class ProcessorPreprocessing:
    """Pixels of the size that a processor gives to every picture."""

    def __init__(self, processor: Any):
        self.processor = processor

    def facts(self) -> dict[str, Any]:
        return {"transformers": {key: str(value) for key, value in self.processor.to_dict().items()}}

    def __call__(self, image: Image.Image) -> np.ndarray:
        return made(self.processor, image)["pixel_values"][0].numpy()


def one_size(processor: Any) -> tuple[int, int] | None:
    """Height and width that a processor gives to every picture; None: it depends on the picture."""
    found = {tuple(made(processor, Image.new("RGB", size))["pixel_values"].shape[2:]) for size in PROBES}
    height, width = found.pop()
    return None if found else (height, width)


def made(processor: Any, image: Image.Image) -> Any:
    """Its outputs for a picture, the pixels of 8 bits."""
    image = image if processor.do_convert_rgb else image.convert("RGB")
    return processor(images=image, **PIXELS_ALONE, return_tensors="pt")
