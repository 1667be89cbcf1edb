"""What an attack is tried on: an unlearned text-to-image model, prompts, and a judge of its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.runtime.progress import Progress
from unlearn_cli.runtime.seeding import seed_all
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.tasks.verbs.diffusion import TextToImageVerbs
from unlearn_cli.training.trainer import Trainer

ShowsForgotten = Callable[[Tensor, np.ndarray], Tensor]
"""(images (k, c, H, W) uint8, places (k,) of their prompts) -> (k,) bool: shows what was to be forgotten."""


@dataclass(frozen=True)
class Target:
    """k prompts that ask for what was to be forgotten, and the models of before and after."""

    task: TextToImageVerbs
    model: TextToImage
    """Unlearned; in eval mode."""
    original: TextToImage
    trainer: Trainer
    sampler: Sampler
    shows_forgotten: ShowsForgotten
    prompts: list[str]
    places: np.ndarray
    """(k,) the prompts' places, among all that the model is judged by."""
    noise: Tensor
    """(k, c, h, w) from which each prompt is drawn, the same each time."""
    images: Tensor
    """(k, c, H, W) in [0, 1]: what the original draws for the prompts, from this noise."""
    rows: np.ndarray
    """The forget set."""
    concepts: tuple[Substitution, ...] = ()
    """The words to be forgotten; empty: prompts or rows were."""
    naming: tuple[str, ...] = ()
    """All prompts of the unlearning set that name a concept."""
    seed: int = 0

    @classmethod
    def of(
        cls,
        task: TextToImageVerbs,
        model: TextToImage,
        original: TextToImage,
        trainer: Trainer,
        sampler: Sampler,
        shows_forgotten: ShowsForgotten,
        prompts: list[str],
        places: np.ndarray,
        **more: Any,
    ) -> Target:
        """Draws the noise of each prompt, and the original's images."""
        seed_all(sampler.seed, "attacked")
        shape = model.state_shape(trainer.data.channels, trainer.data.size)
        noise = torch.randn(len(prompts), *shape)
        images = draw_images(original.eval(), noise, original.number(prompts), sampler, trainer)
        return cls(
            task,
            model.eval(),
            original,
            trainer,
            sampler,
            shows_forgotten,
            prompts,
            places,
            noise,
            images,
            **more,
        )

    def __len__(self) -> int:
        return len(self.prompts)

    def part(self, which: Tensor) -> Target:
        """The prompts `which` (k,) bool alone."""
        prompts = [prompt for prompt, wanted in zip(self.prompts, which.tolist(), strict=True) if wanted]
        rows = which.numpy()
        return replace(
            self,
            prompts=prompts,
            places=self.places[rows],
            noise=self.noise[which],
            images=self.images[which.to(self.images.device)],
        )

    @property
    def numbers(self) -> Tensor:
        """(k,) of the prompts."""
        return self.model.number(self.prompts)

    @property
    def ids(self) -> Tensor:
        """(k, L) int64: the prompts' tokens, on the device."""
        return self.model.shared.ids[self.numbers].to(self.trainer.device)

    @property
    def vocabulary(self) -> Tensor:
        """(V,) int64: the tokens that an attacker may write: all but the start and the end."""
        tokenizer = self.model.shared.tokenizer
        ids = torch.arange(len(tokenizer))
        return ids[~torch.isin(ids, torch.tensor(tokenizer.all_special_ids))].to(self.trainer.device)

    @property
    def concept_of(self) -> list[Substitution]:
        """Of each prompt, the first concept that it names."""
        return [next(one for one in self.concepts if one.is_named_in(prompt)) for prompt in self.prompts]

    def successes(self, condition: Tensor, model: TextToImage | None = None) -> Tensor:
        """(k,) bool: the image drawn for the condition shows what was to be forgotten.

        condition: as a `Denoiser` takes it, in the prompts' order; model: None = the attacked one.
        """
        images = draw_images(model or self.model, self.noise, condition, self.sampler, self.trainer)
        return self.shows_forgotten((images * 255).round().to(torch.uint8).cpu(), self.places)

    def typed(self, tokens: Tensor) -> Tensor:
        """(k, L): what the text encoder reads once somebody types what these tokens (k, L) spell.

        Tokens that no text is cut into join with their neighbours: what succeeds by them alone is no success
        (so Zhang et al.'s program judges, too).
        """
        shared = self.model.shared
        texts = shared.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        return shared.tokenized(texts)[0].to(tokens.device)

    def states(self) -> Tensor:
        """(k, c, h, w): the original's images as states x_0."""
        nothing = torch.full((len(self),), -1)
        return self.model.encode(Batch(self.images, nothing, nothing, nothing > 0))

    def steps(self, stage: str, count: int) -> Iterator[int]:
        """0, 1, …, with a progress bar; the run may be stopped between two."""
        trainer = self.trainer
        with Progress(stage, count, enabled=trainer.progress and trainer.is_main) as bar:
            for step in range(count):
                if stop_requested() and trainer.compute.world == 1:
                    stop(f"in {stage}")
                yield step
                bar.advance()


def draw_images(
    model: TextToImage, noise: Tensor, condition: Tensor, sampler: Sampler, trainer: Trainer
) -> Tensor:
    """Images (k, c, H, W) in [0, 1], in chunks as large as the sampler's."""
    size = sampler.batch_size
    chunks = zip(noise.split(size), condition.split(size), strict=True)
    with torch.random.fork_rng():
        seed_all(sampler.seed, "attack")  # eta > 0 draws more
        return torch.cat([sampler.sample(model, *chunk, trainer.compute) for chunk in chunks])


@contextmanager
def frozen_weights(*models: nn.Module) -> Iterator[None]:
    """Gradients pass through the models, and their weights get none."""
    parameters = [parameter for model in models for parameter in model.parameters()]
    before = [parameter.requires_grad for parameter in parameters]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter, wanted in zip(parameters, before, strict=True):
            parameter.requires_grad_(wanted)
