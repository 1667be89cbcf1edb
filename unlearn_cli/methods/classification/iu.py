"""IU: influence unlearning with WoodFisher's curvature, in one step."""

import logging
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.func import grad

from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.classification.one_shot import flat_parameters, losses_at, move, slopes
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.base import DeterministicLoss
from unlearn_cli.training.trainer import Trainer

log = logging.getLogger("unlearn")

TOLERANCE = 1e-4  # of the solution of F·k = v, relative to |v|


class InfluenceUnlearning(Unlearning):
    """θ_u = θ_o + α·F⁻¹(g_f − g_r) (Koh & Liang, ICML 2017; as coded by Jia et al., NeurIPS 2023).

    With n = |D_f| + |D_r|: g_f = (1/n)·Σ_{D_f} ∇ℓ and g_r = (|D_f|/(n·|D_r|))·Σ_{D_r} ∇ℓ. The curvature is
    the damped empirical Fisher matrix F = λI + (1/N)·Σ_i g_i g_iᵀ over N retain samples (WoodFisher: Singh
    & Alistarh, NeurIPS 2020). In eval mode, without augmentation. No per-sample gradient g_i is ever
    stored: all that is needed are the slopes g_i·u along a direction u, one forward-mode pass for a whole
    batch, and Σ_i c_i·g_i, one backward pass.
    """

    needs: ClassVar[type] = DeterministicLoss

    alpha: float = Field(gt=0, description="α, size of the step; the papers search 1 to 20")
    samples: int = Field(
        gt=0,
        description="N, retain samples in F, drawn at random (at most |D_r|); release: the recursion's N, "
        "1000 there, however many samples there are",
    )
    damping: float = Field(gt=0, description="λ, damping of the Fisher matrix; the release's is 1")
    inverse: Literal["exact", "release"] = Field(
        description="exact: F⁻¹v by conjugate gradients, which WoodFisher's recursion stands for; release: "
        "the released recursion (λ = 1), which keeps only one of the vectors F⁻¹g_i, over the first N + 2 "
        "retain samples in the data's order"
    )
    batch_size: int = Field(gt=0, description="samples per pass; only sets speed and memory")

    def unlearn(self, task: DeterministicLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        model.eval()
        n_f, n_r = len(sets.forget), len(sets.retain)
        g_f = self.gradient_sum(task, model, sets.forget, trainer) / (n_f + n_r)
        g_r = self.gradient_sum(task, model, sets.retain, trainer) * n_f / ((n_f + n_r) * n_r)
        v = g_f - g_r
        if self.inverse == "exact":
            rows = rng(trainer.seed, "iu").choice(sets.retain, min(self.samples, n_r), replace=False)
            step = self.solve(task, model, rows, v, trainer)
        else:
            step = self.solve_as_released(task, model, sets.retain[: self.samples + 2], v, trainer)
        move(model, self.alpha * step, trainer.mask)
        return model

    def solve(
        self, task: DeterministicLoss, model: nn.Module, rows: np.ndarray, v: Tensor, trainer: Trainer
    ) -> Tensor:
        """k = F⁻¹v by conjugate gradients; each iteration is one pass over the rows."""
        theta = flat_parameters(model)

        def fisher(u: Tensor) -> Tensor:
            product = self.damping * u
            for batch in trainer.batches(rows, self.batch_size):
                losses = losses_at(task, model, batch)
                weights = slopes(losses, theta, u)
                product = product + grad(lambda t: losses(t) @ weights)(theta) / len(rows)  # noqa: B023
            trainer.count_passes(2 * len(rows), len(rows))
            return product

        k, residual = torch.zeros_like(v), v
        direction, square = residual, residual @ residual
        for _ in range(len(rows) + 1):  # F has no more distinct eigenvalues: exact arithmetic needs no more
            if residual.norm() <= TOLERANCE * v.norm():
                break
            image = fisher(direction)
            step = square / (direction @ image)
            k = k + step * direction
            residual = residual - step * image
            direction, square = residual + (residual @ residual) / square * direction, residual @ residual
        else:
            log.warning("iu: F·k = v solved to %.1e of |v| only", float(residual.norm() / v.norm()))
        return k

    def solve_as_released(
        self, task: DeterministicLoss, model: nn.Module, rows: np.ndarray, v: Tensor, trainer: Trainer
    ) -> Tensor:
        """The released recursion k ← k − (k·g)/(N + o·g)·o, o ← o − (o·g)/(N + o·g)·o from k = v, o = g_1.

        o stays a multiple a·g_1 and k = v − c·g_1, so the slopes along g_1 and v are all that it needs.
        """
        theta = flat_parameters(model)
        first = self.gradient_sum(task, model, rows[:1], trainer)
        along_first, along_v = [], []
        for batch in trainer.batches(rows[1:], self.batch_size):
            losses = losses_at(task, model, batch)
            along_first += slopes(losses, theta, first).tolist()
            along_v += slopes(losses, theta, v).tolist()
        trainer.count_passes(2 * (len(rows) - 1), 0)
        a, c = 1.0, 0.0
        for s, t in zip(along_first, along_v, strict=True):
            scale = self.samples + a * s
            c += (t - c * s) / scale * a
            a -= a * s / scale * a
        return v - c * first

    def gradient_sum(
        self, task: DeterministicLoss, model: nn.Module, rows: np.ndarray, trainer: Trainer
    ) -> Tensor:
        """Σ_i ∇_θ ℓ(θ; z_i) over the rows, (P,)."""
        theta = flat_parameters(model)
        total = torch.zeros_like(theta)
        for batch in trainer.batches(rows, self.batch_size):
            losses = losses_at(task, model, batch)
            total += grad(lambda t: losses(t).sum())(theta)  # noqa: B023
        trainer.count_passes(len(rows), len(rows))
        return total
