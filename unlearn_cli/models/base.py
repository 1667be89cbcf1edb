"""What every `model=` option offers."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from torch import nn

from unlearn_cli.settings import Settings


class ModelSettings(Settings, ABC):
    """A family of models. A subclass' fields are the keys of its YAML."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)

    @abstractmethod
    def build(
        self, classes: int, channels: int, size: tuple[int, int], mean: Sequence[float], std: Sequence[float]
    ) -> nn.Module:
        """A freshly initialised model for the data; it draws from torch's global RNG, the caller seeds.

        classes: outputs; channels: of the images; size: (height, width) in pixels; mean, std: per channel, of
        pixels in [0, 1]. A classifier takes float images (B, channels, height, width) in [0, 1] to logits
        (B, classes).
        """
