"""UCE: keys and values of cross-attention rewritten in closed form."""

from collections.abc import Iterator
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.diffusion.words import check_words, tell_split
from unlearn_cli.methods.edited import write
from unlearn_cli.models.capabilities import WithPrompts
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.diffusion import HasPrompts
from unlearn_cli.training.trainer import Trainer

EMBEDDED = 64  # prompts at once


class UCE(Unlearning):
    """W' = (λW + e·Σ v*cᵀ + p·Σ W k kᵀ)(λI + e·Σ c cᵀ + p·Σ k kᵀ)⁻¹ (Gandikota et al., WACV 2024).

    For W of every to_k and to_v of cross-attention. c: embeddings (of the text encoder) of tokens of a prompt
    with the concept; v* = W g, g the same tokens' embeddings with the anchor, or nothing, in its place; k:
    embeddings of what is to be kept. As v* is linear in W, W' = W·E, with one matrix E for all layers. In
    float64.
    """

    needs: ClassVar[type] = HasPrompts
    needs_model: ClassVar[type] = WithPrompts

    erase_scale: float = Field(gt=0, description="e, weight of the concepts")
    preserve_scale: float = Field(ge=0, description="p, weight of what is kept")
    ridge: float = Field(gt=0, description="λ, weight of W itself")
    positions: Literal["last", "onwards"] = Field(
        description="last: the concept's last token (release); onwards: all from its first on, the end and "
        "what fills up included, for a text encoder tells them all of the concept"
    )
    templates: tuple[str, ...] = Field(min_length=1, description="prompts, the concept and its guide for {}")
    guide: Literal["anchor", "empty"] = Field(
        description="what the concept shall act like; anchor: forget.anchor; empty: nothing, of {} the token "
        "before it, the start (the release's default for objects)"
    )
    preserve: int = Field(
        ge=0, description="captions of the retain set to be kept, drawn at random, with all their tokens"
    )
    preserve_concepts: tuple[str, ...] = Field(
        description="texts to be kept, by their last token (release) or, with positions=onwards, all of them"
    )

    @field_validator("templates")
    @classmethod
    def _have_a_place(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [template for template in templates if template.count("{}") != 1]:
            raise ValueError(f"'{wrong[0]}' has not one {{}} for the concept")
        return templates

    def check(self, task: HasPrompts, model: TextToImage, data: ImageData, sets: Sets) -> None:
        check_words(sets)
        for one in sets.concepts:
            for template in self.templates:
                self.begin(task, model, template, one.concept)
                self.guided(task, model, template, one)

    @torch.no_grad()
    def unlearn(self, task: HasPrompts, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        tell_split(task, model, sets)
        names = [
            f"{name}.weight"
            for name, _ in model.named_modules()
            if name.endswith(("attn2.to_k", "attn2.to_v"))
        ]
        edit = self.edit(task, model.eval(), sets, trainer)
        edited = {name: model.get_parameter(name).double() @ edit for name in names}
        write(model, edited, trainer.mask)
        return model

    def edit(self, task: HasPrompts, model: TextToImage, sets: Sets, trainer: Trainer) -> Tensor:
        """E = (λI + e·Σ g cᵀ + p·Σ k kᵀ)(λI + e·Σ c cᵀ + p·Σ k kᵀ)⁻¹, (D, D)."""
        c, g = self.pairs(task, model, sets)
        kept = self.ridge * torch.eye(c.shape[1], dtype=c.dtype, device=c.device)
        for k in self.kept(model, sets, trainer):
            kept += self.preserve_scale * k.T @ k
        wanted, present = kept + self.erase_scale * g.T @ c, kept + self.erase_scale * c.T @ c
        return torch.linalg.solve(present, wanted.T).T  # `present` is its own transpose

    def pairs(self, task: HasPrompts, model: TextToImage, sets: Sets) -> tuple[Tensor, Tensor]:
        """The tokens' embeddings c and those g that they shall act like, (n, D) both."""
        concepts, guides = [], []
        for one in sets.concepts:
            for template in self.templates:
                concept, at = self.begin(task, model, template, one.concept)
                guide, there = self.guided(task, model, template, one)
                c, g = embedded(model, torch.cat([concept, guide]))
                length = 1 if self.positions == "last" else len(c) - max(at, there)
                concepts.append(c[at : at + length])
                guides.append(g[there : there + length])
        return torch.cat(concepts), torch.cat(guides)

    def begin(self, task: HasPrompts, model: TextToImage, template: str, words: str) -> tuple[Tensor, int]:
        """The prompt's number (1,), and the position of the token at which the edit begins."""
        prompt, found = self.found(task, model, template, words)
        return prompt, found[-1 if self.positions == "last" else 0]

    def guided(
        self, task: HasPrompts, model: TextToImage, template: str, one: Substitution
    ) -> tuple[Tensor, int]:
        """As `begin`, of what the concept shall act like.

        Nothing in the concept's place: the token before it or, of all tokens, those that have moved up.
        """
        if self.guide == "anchor":
            return self.begin(task, model, template, one.anchor)
        _, found = self.found(task, model, template, one.concept)
        return model.number([template.format("")]), found[0] - (self.positions == "last")

    def found(
        self, task: HasPrompts, model: TextToImage, template: str, words: str
    ) -> tuple[Tensor, list[int]]:
        """The prompt's number (1,), and the positions of the words' tokens."""
        prompt = model.number([template.format(words)])
        found = task.token_positions(model, prompt, words)[0].nonzero().flatten().tolist()
        if not found:
            raise InputError(
                f"method.templates: '{template}' does not show '{words}' to the text encoder; "
                "give it earlier in the text, and between spaces"
            )
        return prompt, found

    def kept(self, model: TextToImage, sets: Sets, trainer: Trainer) -> Iterator[Tensor]:
        """Embeddings (n, D) of what is to be kept, in parts."""
        captions = self.preserved(sets, trainer)
        for start in range(0, len(captions), EMBEDDED):
            yield embedded(model, captions[start : start + EMBEDDED]).flatten(0, 1)
        if self.preserve_concepts:
            numbers = model.number(self.preserve_concepts)
            k = embedded(model, numbers)
            last = torch.arange(len(k)), model.shared.last(numbers)
            yield k[last] if self.positions == "last" else k.flatten(0, 1)

    def preserved(self, sets: Sets, trainer: Trainer) -> Tensor:
        """(m,) numbers of captions of the retain set."""
        captions = np.unique(trainer.data.labels[sets.retain])
        chosen = rng("uce", trainer.seed).permutation(captions)[: self.preserve]
        return torch.from_numpy(chosen)


def embedded(model: TextToImage, prompts: Tensor) -> Tensor:
    """(B, L, D) float64 on the model's device."""
    device = next(model.parameters()).device
    return model.conditioning(prompts.to(device)).double()
