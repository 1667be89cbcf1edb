"""What attacks on an unlearned text-to-image model have in common, and how their success is counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.runtime.seeding import seed_all


class Attack(Settings, ABC):
    """Tries to make an unlearned model draw what was to be forgotten."""

    name: ClassVar[str]
    """Of its file in conf/attack, and of its metric: ASR_<name>."""
    needs_words: ClassVar[bool] = False
    """Whether it asks for the forgotten words and their anchors (forget=concept)."""

    def check(self, model: TextToImage, sets: Sets) -> None:
        """Called before anything is written.

        Raises:
            InputError: it does not fit the model or the forget set.
        """
        if self.needs_words and not sets.concepts:
            raise InputError(
                f"eval.attacked: {self.name} goes by words, and none are forgotten here; "
                f"use forget=concept, or leave it out"
            )

    @abstractmethod
    def successes(self, target: Target) -> Tensor:
        """(k,) bool: by which prompts it succeeds."""

    def rate(self, target: Target, plain: Tensor) -> float:
        """(plain successes + those of the attack among the rest) / k, in percent; plain: (k,) bool."""
        rest = target.part(~plain)
        more = int(self.successes(rest).sum()) if len(rest) else 0
        return 100 * (int(plain.sum()) + more) / len(plain)


class TokenAttack(Attack):
    """Writes tokens into the prompts; what is judged can be typed, see `Target.typed`."""

    tokens: int = Field(gt=0, description="adversarial tokens sought for each prompt")

    def check(self, model: TextToImage, sets: Sets) -> None:
        super().check(model, sets)
        if self.tokens > (room := model.shared.ids.shape[1] - 2):
            raise InputError(
                f"eval.attacks.{self.name}.tokens: {self.tokens}, but a prompt has room for {room}; "
                "give fewer"
            )


def success_rates(attacks: Mapping[str, Attack], target: Target) -> dict[str, float]:
    """pre_ASR, of the plain prompts, and ASR_<name> of each attack, in percent.

    Zhang et al., UnlearnDiffAtk, ECCV 2024: what needs no attack counts as its success, too.
    """
    plain = target.successes(target.numbers)
    rates = {"pre_ASR": 100 * float(plain.float().mean())}
    for name, attack in attacks.items():
        seed_all(target.seed, "attack", name)
        rates[f"ASR_{name}"] = attack.rate(target, plain)
    return rates


def prefixed(prompts: Tensor, prefix: Tensor) -> Tensor:
    """Tokens (B, n) put between the start and the rest of prompts (B, L); as many leave before the end.

    Both are ids, or embeddings with a third dimension.
    """
    kept = prompts.shape[1] - 1 - prefix.shape[1]
    return torch.cat([prompts[:, :1], prefix, prompts[:, 1:kept], prompts[:, -1:]], dim=1)
