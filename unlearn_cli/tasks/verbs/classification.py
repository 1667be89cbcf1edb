"""The verbs of classifiers, beside those of any family."""

from typing import Protocol

from torch import nn

from unlearn_cli.tasks.verbs.base import (
    Deterministic,
    HasDivergence,
    HasLogits,
    HasWrongAndTrueLoss,
    Predicts,
    SmoothsLabels,
    Task,
)


class HasWeightLayers(Protocol):
    def weight_layers(self, model: nn.Module) -> list[list[str]]:
        """Parameter names by weight layer, first to last (a norm belongs to the layer before it)."""


class HasHead(Protocol):
    """The last layer has an output neuron for each class."""

    def widen_head(self, model: nn.Module, extra: int = 1) -> None:
        """Add output neurons, in place; the old ones stay as they are."""

    def narrow_head(self, model: nn.Module, classes: int) -> None:
        """Drop the output neurons beyond `classes`, in place."""


class ClassificationVerbs(
    Task,
    HasLogits,
    HasWrongAndTrueLoss,
    HasDivergence,
    Predicts,
    SmoothsLabels,
    Deterministic,
    HasWeightLayers,
    HasHead,
    Protocol,
):
    """All that `Classification` offers."""
