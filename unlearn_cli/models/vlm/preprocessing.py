"""What a processor of transformers does with a picture, up to where pixels become floats."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers import MllamaImageProcessor
from transformers.models.mllama.image_processing_mllama import get_all_supported_aspect_ratios

from unlearn_cli.data.geometry import Fitted, Preprocessing

PIXELS_ALONE: dict[str, Any] = {"do_rescale": False, "do_normalize": False}
"""Of what a processor does: colours, size, crop and padding."""
NUMBERS_ALONE: dict[str, Any] = {"do_resize": False, "do_center_crop": False, "do_pad": False}
"""The rest: [0, 1], mean and std."""
PROBES = ((64, 48), (48, 64))
"""Sizes of pictures that tell whether all come out alike."""


class ProcessorPreprocessing:
    """Pixels of the size that a processor gives to every picture."""

    def __init__(self, processor: Any):
        self.processor = processor

    def facts(self) -> dict[str, Any]:
        return {"transformers": {key: str(value) for key, value in self.processor.to_dict().items()}}

    def __call__(self, image: Image.Image) -> np.ndarray:
        return _made(self.processor, image)["pixel_values"][0].numpy()


class TiledPreprocessing(ProcessorPreprocessing):
    """Mllama's: a picture is scaled into rows and columns of tiles that suit it, and filled up with black.

    What it makes of the canvas is the canvas again. side: pictures are cropped to squares of so many pixels
    first, so that all come to one canvas; None: as they are.
    """

    def __init__(self, processor: Any, side: int | None):
        super().__init__(processor)
        self.side = side

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"side": self.side}

    def __call__(self, image: Image.Image) -> np.ndarray:
        if self.side is not None:
            image = Image.fromarray(Fitted(3, self.side)(image).transpose(1, 2, 0))
        made = _made(self.processor, image)
        ratios = get_all_supported_aspect_ratios(self.processor.max_image_tiles)
        rows, columns = ratios[int(made["aspect_ratio_ids"][0, 0]) - 1]
        return _joined(made["pixel_values"][0, 0], rows, columns).byte().numpy()


def preprocessing_of(processor: Any, side: int | None) -> Preprocessing | None:
    """None: the processor leaves pictures as large as they are; they are to come at the model's size."""
    if isinstance(processor, MllamaImageProcessor):
        return TiledPreprocessing(processor, side)
    return ProcessorPreprocessing(processor) if one_size(processor) else None


def one_size(processor: Any) -> tuple[int, int] | None:
    """Height and width that a processor gives to every picture; None: it depends on the picture."""
    if isinstance(processor, MllamaImageProcessor):
        return None
    found = {tuple(_made(processor, Image.new("RGB", size))["pixel_values"].shape[2:]) for size in PROBES}
    height, width = found.pop()
    return None if found else (height, width)


def _made(processor: Any, image: Image.Image) -> Any:
    image = image if processor.do_convert_rgb else image.convert("RGB")
    return processor(images=image, **PIXELS_ALONE, return_tensors="pt")


def _joined(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """(3, rows·t, columns·t) of tiles (T, 3, t, t), line by line, of which the first are used."""
    used = tiles[: rows * columns].unflatten(0, (rows, columns))
    return torch.cat([torch.cat([*line], dim=-1) for line in used], dim=-2)


_: type[Preprocessing] = TiledPreprocessing  # what it claims, mypy verifies
