"""FF: Fisher forgetting, noise where the retain set does not need a weight to be exact."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.classification.one_shot import flat_parameters, move, per_sample_gradients
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.base import DeterministicLoss
from unlearn_cli.training.trainer import Trainer


class FisherForgetting(Unlearning):
    """θ_u = θ_o + σ ⊙ ε, ε ~ N(0, I), σ = min((α/F)^½, σ_max), elementwise.

    After Golatkar et al., CVPR 2020, whose code has this power of F; their equation is σ = (λσ_h²/F)^¼.
    F = E_{D_r}[(∇_θ ℓ(θ_o; x, y))²] is the diagonal of the empirical Fisher matrix: per-sample gradients
    towards the true labels, squared, averaged, in eval mode, without augmentation (`fisher` of Jia et al.,
    NeurIPS 2023). Golatkar et al. average over the model's own label distribution instead, which is the
    same where the model is calibrated on D_r and costs C gradients a sample. Their variant for a whole
    class (its output row set to 0, variances averaged over inputs, ten-fold for head and norms) is left
    out: it presupposes class-wise forgetting, and its factors are ad hoc. One α and one σ_max hold for all
    weights.
    """

    needs: ClassVar[type] = DeterministicLoss

    alpha: float = Field(gt=0, description="α, variance of the noise per inverse Fisher information")
    max_std: float = Field(
        gt=0, description="σ_max, largest standard deviation of the noise; 1e-3 as released"
    )
    samples: int | None = Field(gt=0, description="retain samples for F, drawn at random; null = all")
    batch_size: int = Field(gt=0, description="gradients held at once, each as large as the model")

    def unlearn(self, task: DeterministicLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        model.eval()
        rows = sets.retain
        if self.samples and self.samples < len(rows):
            rows = rng(trainer.seed, "ff").choice(rows, self.samples, replace=False)
        fisher = torch.zeros_like(flat_parameters(model))
        for batch in trainer.batches(rows, self.batch_size):
            fisher += per_sample_gradients(task, model, batch).square().sum(dim=0) / len(rows)
        trainer.count_passes(len(rows), len(rows))
        trainer.seeded("noise")
        std = (self.alpha / fisher).sqrt().clamp(max=self.max_std)
        move(model, std * torch.randn_like(std), trainer.mask)
        return model
