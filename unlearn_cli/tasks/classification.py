"""Image classification: the first family of model."""

from math import prod
from typing import ClassVar, cast

import torch
from torch import nn

from unlearn_cli.models.capabilities import WithHead, WithWeightLayers
from unlearn_cli.tasks.recognition import Recognition
from unlearn_cli.tasks.verbs.classification import ClassificationVerbs

LEAST_AT_ONCE = 4
CACHED_PIXELS = 2**17
"""Of the images that a CPU predicts at once: what a layer makes of more leaves its caches."""


class Classification(Recognition):
    """A classifier, trained for its classes; the model itself knows its layers and its head.

    What it offers is checked before a run. `isinstance` cannot tell: from Python 3.12 on it does not find a
    module's parts, such as a `head` that is a plain attribute.
    """

    name: ClassVar[str] = "classification"
    deterministic: ClassVar[bool] = True  # its loss draws nothing

    def at_once(self, size: tuple[int, int], device: torch.device) -> int:
        """Fewer large ones on a CPU, where that is faster and bounds the memory."""
        most = super().at_once(size, device)
        return most if device.type != "cpu" else max(LEAST_AT_ONCE, min(most, CACHED_PIXELS // prod(size)))

    def weight_layers(self, model: nn.Module) -> list[list[str]]:
        """Parameter names by weight layer, first to last (a norm belongs to the layer before it)."""
        return cast(WithWeightLayers, model).weight_layers()

    def widen_head(self, model: nn.Module, extra: int = 1) -> None:
        """Add output neurons to the last layer, in place."""
        cast(WithHead, model).widen_head(extra)

    def narrow_head(self, model: nn.Module, classes: int) -> None:
        """Drop the output neurons beyond `classes`, in place."""
        cast(WithHead, model).narrow_head(classes)


_: type[ClassificationVerbs] = Classification  # what it claims, mypy verifies
