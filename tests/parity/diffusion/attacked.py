"""A small model under attack, and what the attacks' tests repeat."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from parity.diffusion.small import SAMPLER, Small, levels
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.models.diffusion.sampling import Sampler

PROMPTS = ["red dotted wall", "blue dotted wall"]


def target_of(small: Small, seen: Callable[[Tensor], object] = lambda images: None) -> Target:
    """The prompts of "dotted", the original, and another model in the place of an unlearned one."""

    def shows_forgotten(images: Tensor, places: np.ndarray) -> Tensor:
        seen(images)
        return torch.zeros(len(images), dtype=torch.bool)

    return Target.of(
        small.task,
        small.model(seed=2),
        small.model(),
        small.trainer,
        Sampler(**SAMPLER),
        shows_forgotten,
        PROMPTS,
        np.arange(2),
        rows=small.sets.forget,
        concepts=small.sets.concepts,
        naming=tuple(PROMPTS),
        seed=3,
    )


def latents(images: Tensor) -> Tensor:
    """Blocks of pixels of images in [0, 1], after the posterior's draw."""
    mean = F.pixel_unshuffle(2 * images - 1, 2)
    return mean + torch.exp(torch.tensor(-15.0)) * torch.randn(mean.shape)


def noised_at(x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """x_t of states at the steps t, and the noise, drawn now."""
    noise = torch.randn(x.shape)
    signal, spread = levels(t)
    return signal * x + spread * noise, noise


def may_be_written(model) -> Tensor:
    """(V,) ids of all tokens but the start and the end."""
    ends = model.shared.tokenizer(["red"])["input_ids"][0]
    return torch.tensor([id for id in range(len(model.shared.tokenizer)) if id not in (ends[0], ends[-1])])
