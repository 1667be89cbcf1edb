"""The verbs that any family may have.

Models may be wrapped for several processes; a task unwraps them where it needs more than a forward pass.
Batches hold float images in [0, 1]; losses are per sample, (B,), unless said otherwise.

Each call of a verb runs the model. Two terms of one batch are two calls only by mistake: batch norm would
count the batch twice, dropout and diffusion's noise be drawn anew. Hence verbs that give two losses.
"""

from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.images import ImageData
from unlearn_cli.training.trainer import Objective, Trainer


class HasLoss(Protocol):
    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """The training loss (B,): cross-entropy in nats, denoising error, nats a token of the answer."""


class HasLosses(Protocol):
    def losses(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """The loss of each row (n,) float64 on the CPU, in eval mode, not augmented, the same each time."""


class Glances(Protocol):
    def glance(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> dict[str, float]:
        """How well a model does on the rows, by quantity ("acc" in percent), to be watched in training."""


class Task(HasLoss, HasLosses, Glances, Protocol):
    """What every task has."""

    name: ClassVar[str]

    def facts(self) -> dict[str, Any]:
        """What of the task moves the training of an original, fit for JSON."""


@runtime_checkable
class Pretrains(Protocol):
    def pretraining(self, data: ImageData, rows: np.ndarray) -> Objective:
        """How an original learns from these rows, where it learns more than what it will be asked."""


@runtime_checkable
class Deterministic(Protocol):
    deterministic: ClassVar[bool]
    """The loss draws nothing, so that it can be differentiated by sample and summed in any parts."""


class DeterministicLoss(HasLoss, Deterministic, Protocol):
    """A loss that can be differentiated by sample, for methods of one step."""


@runtime_checkable
class SmoothsLabels(Protocol):
    smooths_labels: ClassVar[bool]
    """Its losses are cross-entropies towards class labels, and regard `Batch.smoothing`."""


@runtime_checkable
class WritesDelta(Protocol):
    writes_delta: ClassVar[bool]
    """A run keeps the tensors that differ from the original's, not another whole model."""


class HasWrongLoss(Protocol):
    def wrong_loss(
        self, model: nn.Module, batch: Batch, exclude_true: bool = True, where: Tensor | None = None
    ) -> Tensor:
        """The loss (B,) towards a wrong target, drawn now.

        exclude_true: never the true one. where: (B,) bool, samples that get a wrong target; the others keep
        the true one. None = all.
        """

    wrong_forwards: ClassVar[int]
    """Forward passes that a wrong target costs a sample beside the loss's own."""


class HasWrongAndTrueLoss(HasWrongLoss, Protocol):
    def wrong_and_true_loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The loss (B,) towards a wrong target, never the true one, and the task's own, of one output."""


class HasDivergence(Protocol):
    def divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> Tensor:
        """How far the student's outputs are from the teacher's (B,), T²·KL softened by T or its like; no
        gradient to the teacher."""

    def loss_and_divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """The student's loss and divergence, each (B,), of one output of either model."""


@runtime_checkable
class HasGuidedLoss(Protocol):
    def guided_loss(self, model: nn.Module, batch: Batch, guidance: float) -> Tensor:
        """The squared error of the prediction with guidance w, summed over a sample's elements, (B,)."""


class HasLogits(Protocol):
    """One logit per class, judged on one label each."""

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, C) float32."""

    def relabel_loss(self, model: nn.Module, batch: Batch, labels: Tensor) -> Tensor:
        """Cross-entropy (B,) towards the given labels (B,), nats."""


class Predicts(Protocol):
    def predict(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """Logits (n, C) on the CPU, in eval mode, not augmented; the processes share the rows."""
