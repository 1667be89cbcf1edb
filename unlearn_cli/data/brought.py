"""Images at hand (digits, scenes, a plug-in's) as a ready-made model takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unlearn_cli.config.hashing import key_of
from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.images import ImageData


@dataclass(kw_only=True)
class Brought(ImageData):
    """Other images, put through the model's own preprocessing whenever they are asked for."""

    images: ImageData
    preprocessing: Preprocessing

    def pixels(self, plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        for x in self.images.pixels(plan):
            yield _through(self.preprocessing, x).to(self.device)


def brought(images: ImageData, preprocessing: Preprocessing) -> ImageData:
    """The images, which stay as they are where they have the model's size already."""
    images = images.in_colour()
    (some,) = images.pixels([np.arange(1)])
    size = tuple(_through(preprocessing, some).shape[2:])
    if images.size == size:
        return images
    facts = {field.name: getattr(images, field.name) for field in fields(ImageData)}
    facts["fingerprint"] = key_of({"images": images.fingerprint, "preprocessing": preprocessing.facts()})
    return Brought(images=images, preprocessing=preprocessing, **facts | {"size": size})


def _through(preprocessing: Preprocessing, x: Tensor) -> Tensor:
    """Of uint8 images (B, 3, h, w), on the CPU."""
    pictures = [Image.fromarray(one) for one in x.permute(0, 2, 3, 1).cpu().numpy()]
    return torch.from_numpy(np.stack([preprocessing(picture) for picture in pictures]))
