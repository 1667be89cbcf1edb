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
from unlearn_cli.models.processor import ProcessorPreprocessing, made
from unlearn_cli.models.processor import one_size as size_of_all

NUMBERS_ALONE: dict[str, Any] = {"do_resize": False, "do_center_crop": False, "do_pad": False}
"""Of what a processor does: [0, 1], mean and std."""


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
        tiled = made(self.processor, image)
        ratios = get_all_supported_aspect_ratios(self.processor.max_image_tiles)
        rows, columns = ratios[int(tiled["aspect_ratio_ids"][0, 0]) - 1]
        return _joined(tiled["pixel_values"][0, 0], rows, columns).byte().numpy()


def preprocessing_of(processor: Any, side: int | None) -> Preprocessing | None:
    """None: the processor leaves pictures as large as they are; they are to come at the model's size."""
    if isinstance(processor, MllamaImageProcessor):
        return TiledPreprocessing(processor, side)
    return ProcessorPreprocessing(processor) if one_size(processor) else None


def one_size(processor: Any) -> tuple[int, int] | None:
    """Height and width that a processor gives to every picture; None: it depends on the picture."""
    return None if isinstance(processor, MllamaImageProcessor) else size_of_all(processor)


def _joined(tiles: Tensor, rows: int, columns: int) -> Tensor:
    """(3, rows·t, columns·t) of tiles (T, 3, t, t), line by line, of which the first are used."""
    used = tiles[: rows * columns].unflatten(0, (rows, columns))
    return torch.cat([torch.cat([*line], dim=-1) for line in used], dim=-2)


_: type[Preprocessing] = TiledPreprocessing  # what it claims, mypy verifies
