"""The lower levels of a worst-case selection: unlearning with a weight per sample (Fan et al., ECCV 2024).

Each is an unlearning method of the same name with soft membership: w_i = 1 is a forget sample, w_i = 0 a
retain sample. All step by signs, θ ← θ − β·sign(∇_θ ℓ): a sign has no slope almost everywhere, so θ_u(w) has
no gradient in w and the upper level need not unroll it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import ClassVar, Generic, Protocol, TypeVar, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.methods.classification.be import shadow_class
from unlearn_cli.methods.classification.bs import attacked
from unlearn_cli.methods.l1_sparse import l1_penalty
from unlearn_cli.models.capabilities import WithHead
from unlearn_cli.tasks.verbs.base import HasDivergence, HasLogits, HasLoss, HasLosses, HasWrongAndTrueLoss
from unlearn_cli.tasks.verbs.classification import HasHead
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Penalty, Trainer


class LowerTask(HasLoss, HasLosses, Protocol):
    """What every lower level asks of a task."""


class RandomLabelTask(LowerTask, HasWrongAndTrueLoss, Protocol):
    """What random labels ask of a task."""


class ScrubTask(LowerTask, HasDivergence, Protocol):
    """What SCRUB asks of a task."""


class BoundaryTask(LowerTask, HasLogits, Protocol):
    """What boundary shrinking asks of a task."""


class ExpandingTask(BoundaryTask, HasHead, Protocol):
    """What boundary expanding asks of a task."""


Task = TypeVar("Task", bound=LowerTask)


class Lower(Recipe, ABC, Generic[Task]):
    """θ_u(w) = argmin_θ Σ_i ℓ(θ; z_i, w_i), one shuffled pass over all training rows an epoch."""

    needs: ClassVar[type] = LowerTask
    needs_model: ClassVar[type] = object
    fresh: ClassVar[bool] = False
    """Whether it starts from a freshly initialised model and not from the original."""

    @property
    def penalty(self) -> Penalty | None:
        """What is added to the loss, if anything."""
        return None

    @abstractmethod
    def loss(self, task: Task, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor) -> Tensor:
        """ℓ(θ; z_i, w_i) per sample (B,), for weights w (B,) in [0, 1] and the frozen original model."""

    def more_passes(self, task: Task) -> tuple[int, int]:
        """Forwards and backwards of a sample in a step, beside the one of either of the model itself."""
        return 0, 0

    @contextmanager
    def prepared(self, task: Task, model: nn.Module, trainer: Trainer) -> Iterator[None]:
        """The model as this method trains it; afterwards it is of its own shape again."""
        yield

    def unlearn(
        self, task: Task, model: nn.Module, rows: np.ndarray, weights: Tensor, trainer: Trainer, stage: str
    ) -> nn.Module:
        """Unlearn in place.

        Args:
            model: a copy of the original model, or a fresh one.
            rows: all training rows.
            weights: (N,) float32 over the data's rows, on the device.
            stage: names the phase, its random draws and its checkpoint.
        """
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            trainer.count_more(len(batch), *self.more_passes(task))
            return {"lower": self.loss(task, model, original, batch, weights[batch.index]).mean()}

        with self.prepared(task, model, trainer):
            return trainer.fit(model, shuffled(rows), objective, self, stage=stage, penalty=self.penalty)


class FineTune(Lower[LowerTask]):
    """Σ (1 − w_i)·ℓ(θ; z_i) − λ·w_i·ℓ(θ; z_i) from θ_o."""

    ascent: float = Field(
        ge=0,
        description="λ: the paper's l_MU has a forget term with ℓ_f = −ℓ_r; its code has none, λ = 0",
    )

    def loss(self, task: LowerTask, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor) -> Tensor:
        return (1 - w - self.ascent * w) * task.loss(model, batch)


class Retrain(FineTune):
    """The same from scratch."""

    fresh: ClassVar[bool] = True


class L1Sparse(FineTune):
    """The same from θ_o, with γ·(1 − t/T)·‖θ‖₁."""

    gamma: float = Field(ge=0, description="γ at the start, weight of ‖θ‖₁")

    @property
    def penalty(self) -> Penalty:
        return lambda parameters, progress: l1_penalty(parameters, self.gamma * (1 - progress))


class RandomLabel(Lower[RandomLabelTask]):
    """Σ w_i·ℓ(θ; x_i, y') + α·(1 − w_i)·ℓ(θ; x_i, y_i) from θ_o, y' ≠ y_i drawn anew in every step."""

    needs: ClassVar[type] = RandomLabelTask

    alpha: float = Field(ge=0, description="α, weight of the retain term")

    def loss(
        self, task: RandomLabelTask, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor
    ) -> Tensor:
        wrong, true = task.wrong_and_true_loss(model, batch)
        return w * wrong + self.alpha * (1 - w) * true

    def more_passes(self, task: RandomLabelTask) -> tuple[int, int]:
        return task.wrong_forwards, 0


class Scrub(Lower[ScrubTask]):
    """Σ (1 − w_i)·(γ·ℓ(θ; z_i) + α·d(x_i; θ)) − w_i·d(x_i; θ), d = T²·KL(f_{θ_o} ‖ f_θ).

    Both terms in every step: with soft weights there are no two sets whose passes could take turns.
    """

    needs: ClassVar[type] = ScrubTask

    alpha: float = Field(ge=0, description="α, weight of the divergence on the retain set")
    gamma: float = Field(ge=0, description="γ, weight of the task's loss on the retain set")
    temperature: float = Field(gt=0, description="T, softens both outputs")

    def loss(self, task: ScrubTask, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor) -> Tensor:
        loss, divergence = task.loss_and_divergence(model, original, batch, self.temperature)
        return (1 - w) * (self.gamma * loss + self.alpha * divergence) - w * divergence

    def more_passes(self, task: ScrubTask) -> tuple[int, int]:
        return 1, 0  # the original's output


class BoundaryShrink(Lower[BoundaryTask]):
    """Σ w_i·ℓ(θ; x_i, y_adv), y_adv the original's answer to one FGSM step; no retain term."""

    needs: ClassVar[type] = BoundaryTask

    bound: float = Field(gt=0, le=1, description="ε of the attack, of pixel values in [0, 1]")

    def loss(
        self, task: BoundaryTask, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor
    ) -> Tensor:
        nearest = task.logits(original, attacked(task, original, batch, self.bound)).argmax(dim=1)
        return w * task.relabel_loss(model, batch, nearest)

    def more_passes(self, task: BoundaryTask) -> tuple[int, int]:
        return 2, 1  # of the original: attack, answer


class BoundaryExpanding(Lower[ExpandingTask]):
    """Σ w_i·ℓ(θ; x_i, C), C a shadow class that is cut off again; no retain term."""

    needs: ClassVar[type] = ExpandingTask
    needs_model: ClassVar[type] = WithHead

    @contextmanager
    def prepared(self, task: ExpandingTask, model: nn.Module, trainer: Trainer) -> Iterator[None]:
        with shadow_class(task, model, trainer):
            yield

    def loss(
        self, task: ExpandingTask, model: nn.Module, original: nn.Module, batch: Batch, w: Tensor
    ) -> Tensor:
        shadow = torch.full_like(batch.y, cast(WithHead, original).head.out_features)
        return w * task.relabel_loss(model, batch, shadow)
