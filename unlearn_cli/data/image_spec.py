"""What a model must be built for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ImageSpec:
    """The images of a data set, and what they are sorted into."""

    classes: Sequence[str]
    """Names of a model's outputs; captions or questions with their answers, where a task has those."""
    channels: int
    size: tuple[int, int]
    """Height and width in pixels."""
    mean: Sequence[float]
    """Per channel, of pixels in [0, 1]."""
    std: Sequence[float]
    preprocessing: Mapping[str, Any] | None = None
    """Of a finished run: how its model's own library brings pictures to that size (`Preprocessing.facts`);
    None: they are scaled and cropped to it."""
