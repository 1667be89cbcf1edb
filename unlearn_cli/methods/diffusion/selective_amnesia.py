"""SA: continual learning turned round, towards noise for the forgotten class, true to the rest."""

from dataclasses import replace
from typing import ClassVar, Literal, Protocol

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.anchored import Anchored
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.tasks.verbs.diffusion import Draws, HasDenoisingLoss
from unlearn_cli.training.trainer import Trainer


class SelectiveAmnesiaTask(HasDenoisingLoss, Draws, Protocol):
    """What SA asks of a task."""


class SelectiveAmnesia(GradientMethod):
    """min_θ E_{q(x|c_f)}[ℓ(θ; x, c_f)] + γ·E_{p(x|c_r)}[ℓ(θ; x, c_r)] + λ·Σ_i F_i (θ_i − θ*_i)².

    Heng & Soh, NeurIPS 2023, Eq. 6. q, what the forgotten class shall look like, is uniform noise in pixel
    space, as in the released code for DDPMs, or the anchor's images (the release for Stable Diffusion draws
    those of another prompt). p(x|c_r), generative replay, is a pool of images that the original model draws
    once. But for the anchor's no real image is used: the forget and retain rows only set how many of a step
    are which, and the forgotten labels. No label is dropped, or noise would reach the guidance.

    F is the diagonal of the original model's empirical Fisher matrix on images of its own of all classes:
    E[(∇_θ ℓ)²], one draw of timestep and noise a sample. The release sums a sample's gradient over all T
    steps before it squares, of losses summed over an image's D elements: its λ = 10 lies between 10·T·D
    (gradients of different steps independent) and 10·T²·D (equal) in the units used here.
    """

    needs: ClassVar[type] = SelectiveAmnesiaTask
    sides: ClassVar[tuple[str, ...] | None] = ("gamma",)

    gamma: float = Field(ge=0, description="γ, weight of the replay; the paper's is 1")
    weight: float = Field(ge=0, description="λ, weight of the Fisher penalty; see above for the paper's 10")
    replay: int = Field(
        gt=0, description="images of the retained classes drawn for the replay, evenly spread"
    )
    fisher_samples: int = Field(gt=0, description="images of all classes for F; the paper's are 500 a class")
    surrogate: Literal["noise", "anchor"] = Field(description="q: uniform noise, or images of forget.anchor")
    sampler: Sampler = Field(description="how the original model draws these images")

    def check(self, task: SelectiveAmnesiaTask, model: Denoiser, data: ImageData, sets: Sets) -> None:
        if self.surrogate == "anchor":
            Anchored.check(sets)
        self.sampler.check(model, "method.sampler")

    def unlearn(
        self, task: SelectiveAmnesiaTask, model: nn.Module, sets: Sets, trainer: Trainer
    ) -> nn.Module:
        pool = self.drawn(task, model, sets.retain, self.replay, trainer, "replay")
        fisher = self.fisher(task, model, sets, trainer)
        named = dict(model.named_parameters())
        anchors = [named[name].detach().clone() for name in self.trained_names(model)]
        shown = Anchored(sets, trainer) if self.surrogate == "anchor" else None

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            losses = task.loss(model, self.with_surrogates(batch, pool, shown), drop=False)
            forget, retain = losses[batch.forget].mean(), losses[~batch.forget].mean()
            return {"forget": forget, "retain": self.gamma * retain}

        def penalty(parameters: list[Tensor], progress: float) -> Tensor:
            parts = zip(fisher, parameters, anchors, strict=True)
            return self.weight * torch.stack([(f * (p - a).square()).sum() for f, p, a in parts]).sum()

        feed = balanced(sets.forget, sets.retain)
        return trainer.fit(model, feed, objective, self, penalty=penalty)

    def with_surrogates(self, batch: Batch, pool: Batch, shown: Anchored | None = None) -> Batch:
        """The batch with the surrogate for its forget images, and draws from the pool for its retain rows."""
        retain = ~batch.forget
        chosen = pool.select(torch.randint(len(pool), (int(retain.sum()),)).to(retain.device))
        x, y = torch.rand(batch.x.shape).to(batch.x.device), batch.y.clone()
        x[retain], y[retain] = chosen.x, chosen.y
        if shown:
            x[batch.forget] = shown.of(batch.select(batch.forget)).x
        return replace(batch, x=x, y=y, index=torch.full_like(batch.index, -1))  # not what these rows show

    def drawn(
        self,
        task: SelectiveAmnesiaTask,
        model: nn.Module,
        rows: np.ndarray,
        count: int,
        trainer: Trainer,
        stage: str,
    ) -> Batch:
        """`count` images that the model draws of the rows' classes, as many of each but for the last few."""
        classes = torch.from_numpy(np.unique(trainer.data.labels[rows]))
        labels = classes[torch.arange(count) % len(classes)]
        images = task.draw(model, labels, self.sampler, trainer, stage=stage).float() / 255
        none = torch.full_like(labels, -1)  # rows of the data set: they have none
        kept = torch.zeros_like(labels, dtype=torch.bool)
        images, labels, none, kept = (part.to(trainer.device) for part in (images, labels, none, kept))
        return Batch(images, labels, none, kept)

    def fisher(
        self, task: SelectiveAmnesiaTask, model: nn.Module, sets: Sets, trainer: Trainer
    ) -> list[Tensor]:
        """F of each parameter that is trained, in the order of `model.named_parameters()`."""
        samples = self.drawn(task, model, sets.train, self.fisher_samples, trainer, "fisher")
        model.eval()
        named = dict(model.named_parameters())
        parameters = [named[name] for name in self.trained_names(model)]
        totals = [torch.zeros_like(p) for p in parameters]
        trainer.seeded("fisher")
        for place in range(len(samples)):
            if stop_requested() and trainer.compute.world == 1:
                stop("in the Fisher information")
            loss = task.loss(model, samples.select(slice(place, place + 1))).sum()
            parts = torch.autograd.grad(loss, parameters, materialize_grads=True)
            for total, part in zip(totals, parts, strict=True):
                total += part.square() / len(samples)
        trainer.count_passes(len(samples), len(samples))
        return totals
