"""Pruning by magnitude: what unlearning has added in small weights goes first."""

import copy
from collections.abc import Mapping
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import nn

from unlearn_cli.evaluation.hidden.base import Found, Inspection, Subject
from unlearn_cli.evaluation.hidden.compressed import compressed, weights
from unlearn_cli.evaluation.hidden.meanings import pruned
from unlearn_cli.evaluation.meaning import Meaning


class Prune(Inspection):
    """UA, RA and TA without the smallest weights, over all layers together; nothing is trained after."""

    name: ClassVar[str] = "prune"

    percent: tuple[Annotated[int, Field(ge=1, le=99)], ...] = Field(
        min_length=1, description="of the weights, the smallest ones, that are set to 0"
    )

    @property
    def meanings(self) -> Mapping[str, Meaning]:
        return {key: Meaning(*parts) for share in self.percent for key, parts in pruned(share).items()}

    def inspect(self, subject: Subject) -> Found:
        model = subject.model
        return compressed(subject, ((f"pruned_{share}", pruned_copy(model, share)) for share in self.percent))


@torch.no_grad()
def pruned_copy(model: nn.Module, percent: int) -> nn.Module:
    """A copy in which that many of the weights, those of the smallest magnitude, are 0."""
    found = copy.deepcopy(model)
    parts = weights(found)
    sizes = torch.cat([part.abs().flatten() for part in parts])
    sizes[sizes.argsort(stable=True)[: len(sizes) * percent // 100]] = 0
    for part, kept in zip(parts, sizes.split([part.numel() for part in parts]), strict=True):
        part.mul_((kept > 0).view_as(part))
    return found
