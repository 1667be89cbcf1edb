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
    """min_θ E Σ_l ‖A_l[:, concept]‖ (Zhang et al., CVPR Workshops 2024).

    A_l: attention probabilities of cross-attention l, all heads and pixels, at the tokens of the concept's
    words; on noised images of the concept. One norm for each layer and sample; the release takes a single one
    over all layers. Nothing of the retain set is seen.
    """

    needs: ClassVar[type] = ForgetMeNotTask
    needs_model: ClassVar[type] = WithPrompts

    positions: Literal["words", "onwards"] = Field(
        description="words: the concept's tokens (paper); onwards: all from its first on, the end and what "
        "fills up included, for a text encoder tells them all of the concept"
    )

    def check(self, task: ForgetMeNotTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        check_words(sets)
        check_shown(task, model, data, sets)

    def unlearn(self, task: ForgetMeNotTask, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        tell_split(task, model, sets)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            x, t, _ = task.noised(called, batch)
            words = [task.token_positions(model, batch.y, one.concept) for one in sets.concepts]
            where = torch.stack(words).any(0)
            if self.positions == "onwards":
                where = where.cumsum(1) > 0
            with attention(model) as layers:
                output = called(x, t, batch.y, False)
            loss = norms(layers, where).mean()
            # several processes wait for a gradient of every parameter, those behind the last attention too
            return {"forget": loss + 0 * output.mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)


def norms(layers: list[Tensor], where: Tensor) -> Tensor:
    """Σ_l ‖A_l[:, concept]‖ of each sample (B,).

    layers: probabilities (B·heads, pixels, L) each; where: (B, L) bool, the concept's tokens.
    """
    found = [layer.float().view(len(where), -1, where.shape[1]) * where[:, None] for layer in layers]
    return torch.stack([one.flatten(1).norm(dim=1) for one in found]).sum(0)


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
