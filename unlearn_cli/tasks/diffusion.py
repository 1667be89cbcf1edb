"""What diffusion models have in common, be the condition a class or a prompt."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.batch import Batch
from unlearn_cli.models.diffusion.sampling import OwnDraws, Sampler
from unlearn_cli.runtime.compute import unwrapped
from unlearn_cli.training.trainer import Trainer


class Diffusion(Settings):
    """The verbs of a diffusion model ε_θ(x_t, t, c) (Ho et al., NeurIPS 2020).

    Losses are means over a sample's elements, so forget and retain terms have like units.
    """

    wrong_forwards: ClassVar[int] = 1  # the model's own prediction for another condition

    def scale(self, batch: Batch) -> float:
        """What a denoising error's mean over a sample's elements is multiplied by in the loss."""
        return 1.0

    def wrong_condition(self, model: nn.Module, batch: Batch, exclude_true: bool) -> Tensor:
        """c', the condition (B,) of a wrong target."""
        raise NotImplementedError

    def loss(self, model: nn.Module, batch: Batch, drop: bool = True) -> Tensor:
        """E_{t, ε} ‖ε − ε_θ(x_t, t, c)‖² per sample (B,), one draw of t and ε each.

        drop: whether labels are dropped, so that the prediction without a class learns too.
        """
        x, t, target = self.noised(model, batch)
        return self.scale(batch) * error(model(x, t, batch.y, drop), target)

    def wrong_loss(
        self, model: nn.Module, batch: Batch, exclude_true: bool = True, where: Tensor | None = None
    ) -> Tensor:
        """‖ε_θ(x_t, t, c) − sg[ε_θ(x_t, t, c')]‖² per sample (B,): the own prediction for another class.

        Fan et al., ICLR 2024, Eq. 7: both of the present model, at the same x_t. exclude_true: c' ≠ c (always
        so for other=next). where: (B,) bool, samples that get the wrong target; the others get the denoising
        one. None = all.
        """
        x, t, target = self.noised(model, batch)
        which = torch.ones_like(batch.forget) if where is None else where
        scale = torch.where(which, 1.0, self.scale(batch))
        if which.any():
            with torch.no_grad():
                others = self.wrong_condition(model, batch.select(which), exclude_true)
                wrong = model(x[which], t[which], others).float()
            target = target.index_put((which.nonzero()[:, 0],), wrong)
        return scale * error(model(x, t, batch.y), target)

    def wrong_and_true_loss(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """`wrong_loss` and `loss`, each (B,), of one prediction ε_θ(x_t, t, c)."""
        x, t, target = self.noised(model, batch)
        with torch.no_grad():
            wrong = model(x, t, self.wrong_condition(model, batch, exclude_true=True)).float()
        output = model(x, t, batch.y)
        return error(output, wrong), self.scale(batch) * error(output, target)

    def divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> Tensor:
        """‖ε_student − ε_teacher‖² per sample (B,) at the same x_t; no gradient to the teacher.

        Up to a factor by timestep this is the KL divergence of the two denoising steps, both Gaussian with
        equal variance. The temperature has no meaning here and is not used.
        """
        return self.loss_and_divergence(student, teacher, batch, temperature)[1]

    def loss_and_divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """`loss` and `divergence`, each (B,), at the same x_t and of one prediction ε_student(x_t, t, c)."""
        x, t, noise = self.noised(student, batch)
        with torch.no_grad():
            target = teacher(x, t, batch.y).float()
        output = student(x, t, batch.y)
        return self.scale(batch) * error(output, noise), error(output, target)

    def guided_loss(self, model: nn.Module, batch: Batch, guidance: float) -> Tensor:
        """The squared error of the guided prediction, summed over a sample's elements, (B,).

        SalUn's saliency is its gradient. A sum, as in its code, so that a clipping norm means the same.
        """
        x, t, target = self.noised(model, batch)
        return x[0].numel() * error(unwrapped(model).guided(x, t, batch.y, guidance), target)

    def underway(
        self, model: nn.Module, batch: Batch, sampler: Sampler, trainer: Trainer
    ) -> tuple[Tensor, Tensor]:
        """x_t and t (B,): the model draws from noise, for the batch's conditions, up to a random step."""
        step = int(torch.randint(sampler.steps, ()))
        noise = torch.randn(len(batch), *unwrapped(model).state_shape(batch.x.shape[1], batch.x.shape[2:]))
        x = sampler.sample(unwrapped(model), noise, batch.y, trainer.compute, stop_at=step)
        trainer.count_more(len(x), forwards=step * (2 if sampler.guidance else 1))
        return x, unwrapped(model).process.timesteps[step].expand(len(x))

    def draw(
        self,
        model: nn.Module,
        labels: Tensor,
        sampler: Sampler,
        trainer: Trainer,
        stage: str = "samples",
        own: OwnDraws | None = None,
    ) -> Tensor:
        """Images (n, c, H, W) uint8 on the CPU for the classes (n,); resumable by chunk (see `Sampler`)."""
        compute, folder, progress = trainer.compute, trainer.folder, trainer.progress
        shape = unwrapped(model).state_shape(trainer.data.channels, trainer.data.size)
        return sampler.draw(unwrapped(model), labels, shape, compute, folder, stage, progress, own)

    def preview(self, model: nn.Module, labels: Tensor, sampler: Sampler, trainer: Trainer) -> Tensor:
        """As `draw`, for a few images at once, which leave nothing behind."""
        with torch.random.fork_rng():
            trainer.seeded("preview")
            shape = unwrapped(model).state_shape(trainer.data.channels, trainer.data.size)
            noise = torch.randn(len(labels), *shape)
            model.eval()
            images = sampler.sample(unwrapped(model), noise, labels, trainer.compute)
        return (images * 255).round().to(torch.uint8).cpu()

    @torch.no_grad()
    def losses(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """Denoising error of each row (n,) float64: one draw of step and noise, the same each time."""
        model.eval()
        trainer.seeded("losses")
        parts = []
        for batch in trainer.batches(rows):
            parts.append((self.loss(model, batch) / self.scale(batch)).double().cpu())
        return torch.cat(parts)

    def glance(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> dict[str, float]:
        """Mean denoising error of the rows."""
        return {"error": float(self.losses(model, trainer, rows).mean())}

    def noised(self, model: nn.Module, batch: Batch, latest: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """x_t, t and what the model should predict, from images in [0, 1]; t is antithetic over the batch.

        latest: the share of the timesteps, from the first on, that t is drawn from.
        """
        process = unwrapped(model).process
        x, steps = unwrapped(model).encode(batch), round(latest * process.config.num_train_timesteps)
        half = torch.randint(steps, ((len(x) + 1) // 2,))
        t = torch.cat([half, steps - 1 - half])[: len(x)].to(x.device)
        x_t, target = self.noised_at(model, x, t)
        return x_t, t, target

    def noised_at(self, model: nn.Module, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """x_t of the states x at the steps t (B,), with fresh noise, and what the model should predict."""
        process = unwrapped(model).process
        noise = torch.randn(x.shape).to(x.device)
        targets = {
            "epsilon": lambda: noise,
            "sample": lambda: x,
            "v_prediction": lambda: process.get_velocity(x, noise, t),
        }
        return process.add_noise(x, noise, t), targets[process.config.prediction_type]()


def error(output: Tensor, target: Tensor) -> Tensor:
    """Mean squared error over all but the first dimension, (B,) float32."""
    return (output.float() - target.float()).square().flatten(1).mean(1)
