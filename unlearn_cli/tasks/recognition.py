"""What all models with one logit per class have in common, be they trained for the classes or zero-shot."""

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.batch import Batch
from unlearn_cli.training.trainer import AT_ONCE, Trainer


class Recognition(Settings):
    """The verbs of a model from images (B, c, H, W) to logits (B, C), judged on one label each."""

    name: ClassVar[str]
    wrong_forwards: ClassVar[int] = 0  # a label costs nothing
    smooths_labels: ClassVar[bool] = True

    def facts(self) -> dict[str, Any]:
        """What of the task moves the training of an original: its name says it all."""
        return {"name": self.name}

    def logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, C) float32."""
        return model(batch.x).float()

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Cross-entropy per sample, (B,), nats."""
        return cross_entropy(self.logits(model, batch), batch.y, batch)

    def relabel_loss(self, model: nn.Module, batch: Batch, labels: Tensor) -> Tensor:
        """Cross-entropy towards the given labels (B,), per sample."""
        return cross_entropy(self.logits(model, batch), labels, batch)

    def wrong_loss(
        self, model: nn.Module, batch: Batch, exclude_true: bool = True, where: Tensor | None = None
    ) -> Tensor:
        """Cross-entropy per sample (B,) towards a label drawn now.

        exclude_true: y' ≠ y (SalUn's equation); otherwise y' is uniform over all classes (its released code).
        where: (B,) bool, samples that get a wrong label; the others keep the true one. None = all.
        """
        logits = self.logits(model, batch)
        labels = wrong_labels(batch.y, logits.shape[1], exclude_true)
        if where is not None:
            labels = torch.where(where, labels, batch.y)
        return cross_entropy(logits, labels, batch)

    def wrong_and_true_loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy per sample, each (B,), towards another label drawn now and towards the true one."""
        logits = self.logits(model, batch)
        wrong = wrong_labels(batch.y, logits.shape[1], exclude_true=True)
        return cross_entropy(logits, wrong, batch), cross_entropy(logits, batch.y, batch)

    def divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> Tensor:
        """T² · KL(teacher ‖ student) of the outputs softened by T, per sample; no gradient to the teacher."""
        return self.loss_and_divergence(student, teacher, batch, temperature)[1]

    def loss_and_divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy and divergence, each (B,)."""
        with torch.no_grad():
            target = F.log_softmax(self.logits(teacher, batch) / temperature, dim=1)
        logits = self.logits(student, batch)
        output = F.log_softmax(logits / temperature, dim=1)
        divergence = F.kl_div(output, target, reduction="none", log_target=True).sum(dim=1)
        return cross_entropy(logits, batch.y, batch), temperature**2 * divergence

    def at_once(self, size: tuple[int, int], device: torch.device) -> int:
        """How many images of this height and width are predicted at once."""
        return AT_ONCE

    @torch.no_grad()
    def predict(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """Logits (n, C) on the CPU, in eval mode, not augmented; the processes share the rows.

        Always in fp32: what is reported does not depend on the precision of training.
        """
        model.eval()
        compute = trainer.compute
        mine = np.array_split(rows, compute.world)[compute.rank]
        batches = trainer.batches(mine, self.at_once(trainer.data.size, compute.device))
        parts = [self.logits(model, batch).cpu() for batch in batches]
        return torch.cat(compute.gather(parts))

    def losses(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """Cross-entropy of each row (n,) float64, as `predict` sees it: no augmentation, no randomness."""
        logits, labels = self.predict(model, trainer, rows), torch.from_numpy(trainer.data.labels[rows])
        return F.cross_entropy(logits.double(), labels, reduction="none")

    def glance(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> dict[str, float]:
        """Accuracy on the rows in percent, to be watched during training."""
        right = self.predict(model, trainer, rows).argmax(1).numpy() == trainer.data.labels[rows]
        return {"acc": 100 * float(right.mean())}


def cross_entropy(logits: Tensor, labels: Tensor, batch: Batch) -> Tensor:
    """(B,), nats, towards labels (B,) smoothed as the batch says (Szegedy et al. 2016)."""
    return F.cross_entropy(logits, labels, reduction="none", label_smoothing=batch.smoothing)


def wrong_labels(labels: Tensor, classes: int, exclude_true: bool) -> Tensor:
    """Uniform random labels (B,), drawn from the CPU's generator; never the true one if `exclude_true`."""
    if exclude_true:
        shift = torch.randint(1, classes, labels.shape).to(labels.device)
        return (labels + shift) % classes
    return torch.randint(0, classes, labels.shape).to(labels.device)
