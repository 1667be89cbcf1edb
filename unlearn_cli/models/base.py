"""What every `model=` option offers."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import nn

from unlearn_cli.config.settings import Settings, described
from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.storage.identity import by_content


class ModelSettings(Settings, ABC):
    """A family of models. A subclass' fields are the keys of its YAML."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    ready_made: ClassVar[bool] = False
    """Its weights are the original model: nothing is trained, and nothing can be retrained."""

    takes_colour: ClassVar[bool] = False
    """It takes three channels alone: grey images are given to it as such."""

    @abstractmethod
    def build(self, images: ImageSpec) -> nn.Module:
        """A freshly initialised model for the data; it draws from torch's global RNG, the caller seeds.

        A classifier takes float images (B, channels, height, width) in [0, 1] to logits (B, classes).
        """

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        """What a ready-made model's library does with a picture; None: pictures come as `data.size` says.

        size: `data.size`, for models that leave it open. InputError: no such model.
        """
        return None

    def facts(self) -> dict[str, Any]:
        """What determines a model's weights, beside its training, fit for JSON: files by their content."""
        return by_content(described(self))
