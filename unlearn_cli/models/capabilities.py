"""What a model may offer beside its forward pass, and some methods ask for (their `needs_model`)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor, nn


@runtime_checkable
class WithWeightLayers(Protocol):
    def weight_layers(self) -> list[list[str]]:
        """Names of all parameters, each once, grouped by weight layer, from the input to the head."""


@runtime_checkable
class Resettable(Protocol):
    def reset_parameters(self) -> None:
        """Initialise a layer's parameters afresh, as PyTorch's own layers do."""


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


@runtime_checkable
class BeginsFromData(Protocol):
    first_look: int
    """How many images it wants to see, at most."""

    def begin_from(self, x: Tensor) -> None:
        """Set what follows from images (n, C, H, W) in [0, 1] that it is to learn, and from no other."""


@runtime_checkable
class Guidable(Protocol):
    @property
    def unconditional(self) -> bool:
        """Whether it has learnt the prediction without a condition, which guidance needs."""

    def guided(self, x: Tensor, t: Tensor, condition: Tensor, guidance: float) -> Tensor:
        """(1 + w)·ε(x, c) − w·ε(x, ∅) for states x (B, c, h, w), steps t (B,) and conditions (B,)."""


class WithPrompts(Protocol):
    """Conditions are numbers of texts."""

    null: int
    """The number of the empty prompt."""

    def number(self, prompts: Sequence[str]) -> Tensor:
        """(n,) int64: the numbers of the prompts; new ones are added."""

    def conditioning(self, condition: Tensor) -> Tensor:
        """(B, L, D): what the network is given for the prompts (B,)."""

    def embed_soft(self, tokens: Tensor) -> Tensor:
        """(B, L, D) of token embeddings (B, L, D) that need not be any token's."""


class WithGuidedPrompts(WithPrompts, Guidable, Protocol):
    """Both."""


class WithActivations(Protocol):
    """Its vision side can be looked at and changed, layer by layer."""

    @property
    def vision_layer(self) -> str:
        """The layer that the projector reads."""

    @property
    def projector(self) -> str:
        """The layer that every image goes through on its way to the language model."""

    def leading(self, layer: str) -> int:
        """Tokens at the front of the layer's output that stand for no patch."""

    def activations(self, layer: str, x: Tensor) -> Tensor:
        """(B, T, d) float32: what a layer puts out for the patches of images (B, 3, H, W)."""

    def sample(self) -> Tensor:
        """(1, 3, H, W): an image of noise, always the same."""

    def reads(self, layer: str) -> bool:
        """Whether what the layer puts out for an image moves the model's answers."""


class ZeroShot(EmbedsImagesAndTexts, Protocol):
    """Classes are known by their texts."""

    def class_features(self) -> Tensor:
        """Of the classes' texts, (C, E), without any adapter."""

    def scaled(self, images: Tensor, texts: Tensor) -> Tensor:
        """Logits (B, C) of images (B, E) and texts (C, E) or (B, C, E)."""


class WithAdapter(ZeroShot, Protocol):
    @property
    def adapter(self) -> nn.Module:
        """What a method has attached; see models/clip/zero_shot.py."""


def trained_by_default(model: nn.Module) -> str:
    """The regular expression of what methods train; empty: everything."""
    return model.trained_by_default if isinstance(model, WithTrainedPart) else ""
