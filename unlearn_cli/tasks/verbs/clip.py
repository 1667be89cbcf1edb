"""The verbs of CLIP, beside those of any family."""

from typing import Protocol

from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.tasks.verbs.base import (
    HasDivergence,
    HasLogits,
    HasWrongAndTrueLoss,
    Predicts,
    Pretrains,
    SmoothsLabels,
    Task,
    WritesDelta,
)


class Embeds(Protocol):
    def embedded(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Normalised embeddings of images (B, E) and of the classes' texts (C, E), an adapter's included."""


class HasCaptions(Protocol):
    captions: tuple[str, ...]
    """Texts that a model learns from scratch, of the data's columns in braces."""


class ClipVerbs(
    Task,
    HasLogits,
    HasWrongAndTrueLoss,
    HasDivergence,
    Predicts,
    SmoothsLabels,
    Pretrains,
    WritesDelta,
    Embeds,
    HasCaptions,
    Protocol,
):
    """All that `Clip` offers."""
