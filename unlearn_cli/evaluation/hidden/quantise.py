"""Weights in a few bits: rounding can undo what unlearning has moved a little.

Asked of language models by Zhang et al. (arXiv:2410.16454) and DurableUn (arXiv:2605.02196): there 8 bits
change nothing and 4 bring the forgotten back. Theirs is NF4 under an adapter; ours is the plainest rounding.
"""

import copy
from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.evaluation.hidden.base import Found, Inspection, Subject
from unlearn_cli.evaluation.hidden.compressed import compressed, weights
from unlearn_cli.evaluation.hidden.meanings import quantised
from unlearn_cli.evaluation.meaning import Meaning


class Quantise(Inspection):
    """UA, RA and TA with weights of so many bits; activations, biases and norms stay as they are."""

    name: ClassVar[str] = "quantise"

    bits: tuple[Annotated[int, Field(ge=2, le=8)], ...] = Field(
        min_length=1, description="of a weight, rounded to nearest, symmetric, one scale an output channel"
    )

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        return {key: Meaning(*parts) for bits in self.bits for key, parts in quantised(bits).items()}

    def inspect(self, subject: Subject) -> Found:
        model = subject.model
        return compressed(subject, ((f"int{bits}", quantised_copy(model, bits)) for bits in self.bits))


@torch.no_grad()
def quantised_copy(model: nn.Module, bits: int) -> nn.Module:
    """A copy with every weight at one of 2^bits − 1 places."""
    found = copy.deepcopy(model)
    for weight in weights(found):
        weight.copy_(rounded(weight, bits))
    return found


def rounded(weight: Tensor, bits: int) -> Tensor:
    """s·round(w/s), s = max|w| / (2^(bits−1) − 1) of each output channel, the first dimension."""
    largest = weight.flatten(1).abs().amax(1) / (2 ** (bits - 1) - 1)
    scale = largest.view(-1, *[1] * (weight.ndim - 1))
    return torch.where(scale > 0, (weight / scale).round() * scale, weight)
