"""The verbs of diffusion models, beside those of any family.

x_t: noisy states (B, c, h, w), pixels or latents; t: their steps (B,) int64; conditions (B,) int64 are
classes or numbers of prompts.
"""

from typing import ClassVar, Protocol, runtime_checkable

from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.images import ImageData
from unlearn_cli.models.diffusion.sampling import OwnDraws, Sampler
from unlearn_cli.tasks.verbs.base import (
    HasDivergence,
    HasGuidedLoss,
    HasLoss,
    HasWrongAndTrueLoss,
    Task,
    WritesDelta,
)
from unlearn_cli.training.trainer import Trainer


@runtime_checkable
class CaptionsImages(Protocol):
    def as_captioned(self, data: ImageData) -> ImageData:
        """The data with prompts as their classes."""


class HasDenoisingLoss(HasLoss, Protocol):
    def loss(self, model: nn.Module, batch: Batch, drop: bool = True) -> Tensor:
        """E_{t, ε} ‖ε − ε_θ(x_t, t, c)‖² per sample (B,), one draw of t and ε each.

        drop: whether conditions are dropped in train mode, so that the prediction without one learns too.
        """


class Noises(Protocol):
    def noised(self, model: nn.Module, batch: Batch, latest: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """x_t, t and what the model should predict of a batch's images; t is antithetic over the batch.

        latest: the share of the timesteps, from the first on, that t is drawn from.
        """

    def noised_at(self, model: nn.Module, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """x_t of the states x at the steps t, with fresh noise, and what the model should predict."""


class Underway(Protocol):
    def underway(
        self, model: nn.Module, batch: Batch, sampler: Sampler, trainer: Trainer
    ) -> tuple[Tensor, Tensor]:
        """x_t and t: the model draws from noise, for the batch's conditions, up to a random step."""


class Draws(Protocol):
    """Images (n, c, H, W) uint8 on the CPU for conditions (n,)."""

    def draw(
        self,
        model: nn.Module,
        labels: Tensor,
        sampler: Sampler,
        trainer: Trainer,
        stage: str = "samples",
        own: OwnDraws | None = None,
    ) -> Tensor:
        """Resumable by chunk (see `Sampler`), in the trainer's folder. own: seeds and guidance of some."""

    def preview(self, model: nn.Module, labels: Tensor, sampler: Sampler, trainer: Trainer) -> Tensor:
        """A few at once, which leave nothing behind; always from the same noise."""


class HasPrompts(Protocol):
    """Conditions are numbers of texts, and words can be found in them."""

    prompts: ClassVar[bool]

    def token_positions(self, model: nn.Module, prompts: Tensor, words: str) -> Tensor:
        """(B, L) bool: where the words stand in the prompts (B,) after tokenization."""

    def token_embeddings(self, model: nn.Module, prompts: Tensor) -> Tensor:
        """(B, L, D): the prompts (B,) as the text encoder's input, before positions are added."""


class PredictsClean(Protocol):
    def clean(self, model: nn.Module, x: Tensor, t: Tensor, output: Tensor) -> Tensor:
        """x̂_0 of states x_t, steps t and the model's outputs, whatever it predicts. Not clipped."""


class HasActivations(Protocol):
    def activations(
        self, model: nn.Module, layer: str, prompts: Tensor, sampler: Sampler, trainer: Trainer
    ) -> tuple[Tensor, Tensor]:
        """What a layer puts out while the prompts (n,) are sampled, (S, n, T, d) on the CPU, and the steps'
        timesteps (S,). With guidance, of the passes with the prompt."""


class GenerationVerbs(
    HasDenoisingLoss,
    Task,
    HasWrongAndTrueLoss,
    HasDivergence,
    HasGuidedLoss,
    Noises,
    Underway,
    Draws,
    Protocol,
):
    """All that `Generation` offers."""


class TextToImageVerbs(
    CaptionsImages, GenerationVerbs, HasPrompts, PredictsClean, HasActivations, WritesDelta, Protocol
):
    """All that `TextToImage` offers."""
