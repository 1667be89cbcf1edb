"""FMN: attention turns away from the concept's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Literal, Protocol

import torch
from diffusers.models.attention_processor import AttnProcessor
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.words import check_shown, check_words, tell_split
from unlearn_cli.models.capabilities import WithPrompts
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.diffusion import HasPrompts, Noises
from unlearn_cli.training.trainer import Trainer


class ForgetMeNotTask(Noises, HasPrompts, Protocol):
    """What FMN asks of a task."""


class ForgetMeNot(GradientMethod):
    """min_θ E ‖A[:, concept]‖ (Zhang et al., CVPR Workshops 2024).

    A: attention probabilities of all cross-attentions, heads and pixels, at the concept's tokens; on noised
    images of the concept. The release takes one norm of it all, over the layers too (`norm=all`), and a batch
    of one image; of several, ours is the mean over the images. Nothing of the retain set is seen.
    """

    needs: ClassVar[type] = ForgetMeNotTask
    needs_model: ClassVar[type] = WithPrompts
    sides: ClassVar[tuple[str, ...] | None] = None

    positions: Literal["words", "words_and_ends", "onwards"] = Field(
        description="words: the concept's tokens (paper); words_and_ends: and every end token, in Stable "
        "Diffusion 1.x all that fills up, too (release); onwards: all from its first on, for a text encoder "
        "tells them all of the concept"
    )
    norm: Literal["layer", "all"] = Field(
        description="layer: the sum of a norm for each layer; all: one over all layers (release)"
    )

    def check(self, task: ForgetMeNotTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        check_words(sets)
        check_shown(task, model, data, sets)

    def unlearn(self, task: ForgetMeNotTask, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        tell_split(task, model, sets)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            x, t, _ = task.noised(called, batch)
            where = self.places(task, model, sets, batch.y)
            with attention(model) as layers:
                output = called(x, t, batch.y, False)
            found = norms(layers, where)
            size = found.sum(0) if self.norm == "layer" else found.norm(dim=0)
            # several processes wait for a gradient of every parameter, those behind the last attention too
            return {"forget": size.mean() + 0 * output.mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)

    def places(self, task: HasPrompts, model: TextToImage, sets: Sets, prompts: Tensor) -> Tensor:
        """(B, L) bool: the tokens of the prompts (B,) that attention shall turn away from."""
        words = [task.token_positions(model, prompts, one.concept) for one in sets.concepts]
        where = torch.stack(words).any(0)
        if self.positions == "onwards":
            return where.cumsum(1) > 0
        if self.positions == "words_and_ends":
            return where | model.shared.ends(prompts.cpu()).to(prompts.device)
        return where


def norms(layers: list[Tensor], where: Tensor) -> Tensor:
    """‖A_l[:, concept]‖ of each layer and sample (l, B).

    layers: probabilities (B·heads, pixels, L) each; where: (B, L) bool, the concept's tokens.
    """
    found = [layer.float().view(len(where), -1, where.shape[1]) * where[:, None] for layer in layers]
    return torch.stack([one.flatten(1).norm(dim=1) for one in found])


@contextmanager
def attention(model: nn.Module) -> Iterator[list[Tensor]]:
    """The attention probabilities (B·heads, pixels, L) of every cross-attention that is passed, in order.

    The usual processors never hold them, so plain ones stand in for the time being.
    """
    layers: list[Any] = [module for name, module in model.named_modules() if name.endswith("attn2")]
    before = [layer.processor for layer in layers]
    found: list[Tensor] = []

    def keeping(scores: Any) -> Any:
        def kept(*inputs: Any) -> Tensor:
            found.append(scores(*inputs))
            return found[-1]

        return kept

    for layer in layers:
        layer.set_processor(AttnProcessor())
        layer.get_attention_scores = keeping(layer.get_attention_scores)
    try:
        yield found
    finally:
        for layer, processor in zip(layers, before, strict=True):
            layer.set_processor(processor)
            del layer.get_attention_scores
