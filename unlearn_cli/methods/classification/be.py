"""BE: boundary expanding, a shadow class takes the forget samples and is cut off again."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.models.capabilities import WithHead
from unlearn_cli.tasks.verbs.base import HasLogits
from unlearn_cli.tasks.verbs.classification import HasHead
from unlearn_cli.training.trainer import Trainer


class BoundaryExpandingTask(HasLogits, HasHead, Protocol):
    """What BE asks of a task."""


class BoundaryExpanding(GradientMethod):
    """min_θ E_{D_f}[ℓ(θ; x, y = C)] with one output more than the C classes (Chen et al., CVPR 2023).

    The extra neuron is dropped before the model is returned (the released SalUn code evaluates all C + 1).
    """

    needs: ClassVar[type] = BoundaryExpandingTask
    needs_model: ClassVar[type] = WithHead
    sides: ClassVar[tuple[str, ...] | None] = None

    def unlearn(
        self, task: BoundaryExpandingTask, model: nn.Module, sets: Sets, trainer: Trainer
    ) -> nn.Module:
        classes = cast(WithHead, model).head.out_features

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            shadow = torch.full_like(batch.y, classes)
            return {"forget": task.relabel_loss(model, batch, shadow).mean()}

        with shadow_class(task, model, trainer):
            return trainer.fit(model, shuffled(sets.forget), objective, self)

    def as_judged(self, task: BoundaryExpandingTask, model: nn.Module) -> nn.Module:
        narrowed = deepcopy(model)
        task.narrow_head(narrowed, cast(WithHead, model).head.out_features - 1)
        return narrowed


@contextmanager
def shadow_class(task: HasHead, model: nn.Module, trainer: Trainer) -> Iterator[None]:
    """The model with one output more; dropped again in the end."""
    classes = cast(WithHead, model).head.out_features
    trainer.seeded("extra neuron")
    task.widen_head(model, 1)
    yield
    task.narrow_head(model, classes)
