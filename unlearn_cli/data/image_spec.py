"""What a model must be built for."""

from collections.abc import Sequence
from dataclasses import dataclass


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
