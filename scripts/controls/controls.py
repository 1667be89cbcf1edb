"""Models whose forgetting is known beforehand, as methods: what metrics and attacks are tried on.

UNLEARN_PLUGINS=scripts/controls unlearn method=biased forget=class
"""

from typing import ClassVar, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod, Unlearning
from unlearn_cli.models.capabilities import Resettable, WithHead
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class Half(GradientMethod):
    """Retrained from scratch on what is to be kept and on half of what is to be forgotten."""

    maskable: ClassVar[bool] = False
    sides: ClassVar[tuple[str, ...] | None] = None

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        trainer.seeded("init")
        for module in model.modules():
            if isinstance(module, Resettable):
                module.reset_parameters()

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"retain": task.loss(model, batch).mean()}

        rows = np.sort(np.concatenate([sets.retain, known_half(sets)]))
        return trainer.fit(model, shuffled(rows), objective, self)


def known_half(sets: Sets) -> np.ndarray:
    """Every second of the rows to be forgotten, in an order of chance: what `Half` has not forgotten."""
    return np.sort(rng("half", sets.fingerprint).permutation(sets.forget)[::2])


class Biased(Unlearning):
    """The original, which never names the forgotten classes: their logits are lowered, nothing else is."""

    needs: ClassVar[type] = object
    needs_model: ClassVar[type] = WithHead
    maskable: ClassVar[bool] = False

    bias: float = Field(gt=0, description="by which the forgotten classes' logits are lowered")

    def check(self, task: object, model: nn.Module, data: ImageData, sets: Sets) -> None:
        if not sets.classes:
            raise InputError("method=biased lowers the logits of whole classes; use it with forget=class")

    @torch.no_grad()
    def unlearn(self, task: object, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        head = cast(WithHead, model).head
        assert head.bias is not None
        head.bias[list(sets.classes)] -= self.bias
        return model


class Pruned(Unlearning):
    """The original without its smallest weights: harmed, and nothing in particular is forgotten."""

    needs: ClassVar[type] = object
    maskable: ClassVar[bool] = False

    share: float = Field(gt=0, lt=1, description="of the weights that become 0, over all layers")

    @torch.no_grad()
    def unlearn(self, task: object, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        weights = [parameter for parameter in model.parameters() if parameter.dim() > 1]
        sizes = torch.cat([weight.abs().flatten() for weight in weights])
        bound = sizes.kthvalue(max(1, round(self.share * len(sizes)))).values
        for weight in weights:
            weight[weight.abs() <= bound] = 0
        return model
