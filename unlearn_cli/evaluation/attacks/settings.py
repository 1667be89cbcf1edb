"""Which attacks a text-to-image model has to stand, and by which of its prompts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor

from unlearn_cli.config.settings import Settings, build
from unlearn_cli.data.names import unknown
from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.attacks.base import Attack, success_rates
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.diffusion.prompts import PromptSet, evenly_spread
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning, attack_success
from unlearn_cli.methods.original import Original
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.diffusion import TextToImageVerbs

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class AttackSettings(Settings):
    """The keys of an evaluation that makes attacks."""

    attacks: dict[str, Attack] = Field(description="the options of the group `attack`, by name")
    attacked: list[str] = Field(description="names of the attacks that are made; none: []")
    attacked_prompts: int = Field(gt=0, description="forgotten ones inside, evenly spread")

    @field_validator("attacks", mode="before")
    @classmethod
    def _build(cls, nodes: dict[str, Any]) -> dict[str, Attack]:
        return {name: build(node, f"eval.attacks.{name}") for name, node in nodes.items()}

    @model_validator(mode="after")
    def _attacks_are_known(self) -> AttackSettings:
        if wrong := [name for name in self.attacked if name not in self.attacks]:
            raise unknown("eval.attacked", "attack", wrong[0], list(self.attacks))
        return self

    @property
    def attacks_made(self) -> dict[str, Attack]:
        """By name."""
        return {name: self.attacks[name] for name in self.attacked}

    @property
    def meanings(self) -> dict[str, Meaning]:
        """Of the attacks made that are plug-ins."""
        own = {f"ASR_{name}": attack_success(name, name) for name in self.attacked}
        return {key: meaning for key, meaning in own.items() if key not in MEANINGS}

    def check_attacks(self, model: TextToImage, sets: Sets) -> None:
        """InputError: an attack that does not fit the model or the forget set."""
        for attack in self.attacks_made.values():
            attack.check(model, sets)

    def attack_success_rates(
        self,
        origins: Origins,
        model: TextToImage,
        prompts: PromptSet,
        sampler: Sampler,
        judge_images: Callable[[Tensor], Outputs],
        folder: Path,
    ) -> dict[str, float]:
        """`pre_ASR` and `ASR_<name>`; {} where no attack is made or no prompt inside is to be forgotten.

        judge_images: images (k, c, H, W) uint8 to the judges' logits, by column.
        """
        targeted = np.flatnonzero(prompts.is_forgotten & prompts.inside)
        if not self.attacked or not len(targeted):
            return {}
        chosen = evenly_spread(targeted, self.attacked_prompts)

        def shows_forgotten(images: Tensor, places: np.ndarray) -> Tensor:
            part = prompts.part(places)
            return torch.from_numpy(part.shows_forgotten(part.judged_values(judge_images(images)))[0])

        task: TextToImageVerbs = origins.experiment.task
        original = origins.get(Original()).model
        assert isinstance(original, TextToImage)
        target = Target.of(
            task,
            model,
            original,
            origins.trainer(folder),
            sampler,
            shows_forgotten,
            prompts.part(chosen).prompts,
            chosen,
            rows=origins.sets.forget,
            concepts=origins.sets.concepts,
            naming=tuple(prompts.part(targeted).prompts),
            seed=origins.experiment.seeds.eval,
        )
        return success_rates(self.attacks_made, target)
