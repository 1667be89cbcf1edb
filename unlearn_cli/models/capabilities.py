"""What a model may offer beside its forward pass, and some methods ask for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class WithWeightLayers(Protocol):
    def weight_layers(self) -> list[list[str]]:
        """Names of all parameters, each once, grouped by weight layer, from the input to the head."""


@runtime_checkable
class WithHead(Protocol):
    @property
    def head(self) -> nn.Linear:
        """The last layer, which yields the logits."""

    def widen_head(self, extra: int) -> None:
        """Add `extra` freshly initialised outputs; the old ones keep their weights bit for bit."""

    def narrow_head(self, classes: int) -> None:
        """Keep the first `classes` outputs, bit for bit, and drop the others."""


@runtime_checkable
class WithProjectedPatches(Protocol):
    def projected(self, x: Tensor) -> Tensor:
        """(B, P, D): the image's patches as the language model reads them."""


@runtime_checkable
class EmbedsImagesAndTexts(Protocol):
    def image_features(self, x: Tensor) -> Tensor:
        """(B, E), normalised."""

    def text_features(self, texts: Sequence[str]) -> Tensor:
        """(n, E), normalised."""

    def prompt(self, name: str, template: str | None = None) -> str:
        """The text of a class; template: another than the model's own, {} for the class."""


@runtime_checkable
class WithTrainedPart(Protocol):
    trained_by_default: str
    """A regular expression: methods train the parameters whose names hold it, if not told which."""


@runtime_checkable
class Exports(Protocol):
    def export(self, folder: Path) -> None:
        """Write it into `folder` as its own library reads it."""


def trained_by_default(model: nn.Module) -> str:
    """The regular expression of what methods train; empty: everything."""
    return model.trained_by_default if isinstance(model, WithTrainedPart) else ""
