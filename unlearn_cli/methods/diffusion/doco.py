"""DoCo: the concept's domain is made indistinguishable from the anchor's, keeping what is to stay."""

from copy import deepcopy
from typing import ClassVar, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.anchored import Anchored
from unlearn_cli.methods.diffusion.discriminator import Adversary, PatchDiscriminator
from unlearn_cli.methods.diffusion.start_token import start_detached
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.tasks.verbs.diffusion import Noises, PredictsClean
from unlearn_cli.training.trainer import Trainer


class DoCoTask(HasLoss, Noises, PredictsClean, Protocol):
    """What DoCo asks of a task."""


class DoCo(GradientMethod):
    """min_θ max_D of E[log D(x̂_0(z_t; θ, p_c))] + E[log(1 − D(x̂_0(z_t; θ*, p_a)))] (Wu et al., AAAI 2025).

    z_t is a noised image of the anchor, p_a its prompt, p_c the same prompt with the concept in the anchor's
    place, θ* the original model and x̂_0 the clean latent that a model predicts. θ's gradient is cleared of
    what conflicts with the denoising loss on retained images, the config group `surgery`, which
    conf/method/doco.yaml sets to `concept_preserving`; `surgery=none` adds the two losses.

    The paper's body could not be read; this follows its released code, whose departures are options (`leak`,
    `detach_start`, surgery.projection=release).
    """

    needs: ClassVar[type] = DoCoTask
    sides: ClassVar[tuple[str, ...] | None] = ("retain_weight",)

    warm_up: int = Field(ge=0, description="first steps, in which the discriminator learns alone")
    discriminator_lr: float = Field(
        gt=0,
        description="learning rate of the discriminator's Adam; larger if it stays at chance (history.json "
        "has its accuracy)",
    )
    discriminator_width: int = Field(
        gt=0, description="channels of the discriminator's first stage; release: 64"
    )
    stages: int = Field(gt=0, description="stages of the discriminator, each halves the latent; release: 4")
    leak: bool = Field(description="true: the model's loss leaks into the discriminator's step (release)")
    detach_start: bool = Field(
        description="true: no gradient through the start token's keys and values in cross-attention (release)"
    )
    retain_weight: float = Field(
        ge=0, description="weight of the denoising loss on retained images (surgery=none)"
    )
    latest: float = Field(
        gt=0, le=1, description="share of the timesteps that are drawn: errors of x̂_0 grow without bound in t"
    )

    def check(self, task: DoCoTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        Anchored.check(sets)
        side = min(model.state_shape(data.channels, data.size)[1:])
        if side // 2**self.stages < 2:
            raise InputError(
                f"method.stages: {self.stages} stages halve latents of {side} pixels to "
                f"{side // 2**self.stages}, and 2 are needed; give {max(1, side.bit_length() - 2)}"
            )
        epoch = len(balanced(sets.forget, sets.retain)(0, self.batch_size, 0))
        if (steps := sum(self.limited_steps([epoch] * self.epochs))) <= self.warm_up:
            raise InputError(
                f"method.warm_up: of {steps} steps in all the first {self.warm_up} leave the model as it is; "
                "give fewer, or more epochs"
            )

    def unlearn(self, task: DoCoTask, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)
        anchored = Anchored(sets, trainer)
        trainer.seeded("discriminator")
        channels = model.state_shape(trainer.data.channels, trainer.data.size)[0]
        network = PatchDiscriminator(channels, self.discriminator_width, self.stages).to(trainer.device)
        adversary = Adversary(network, self.discriminator_lr, self.leak)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            concept, retain = batch.select(batch.forget), batch.select(~batch.forget)
            anchor = anchored.of(concept)
            x, t, _ = task.noised(original, anchor, self.latest)
            rests = adversary.steps < self.warm_up
            with torch.no_grad():
                anchor_clean = task.clean(original, x, t, original(x, t, anchor.y, False))
            trainer.count_more(len(anchor), forwards=1)
            with start_detached(model, self.detach_start), torch.set_grad_enabled(not rests):
                clean = task.clean(called, x, t, called(x, t, concept.y, False))
                forget = adversary.loss(clean, anchor_clean, rests)
                if rests:
                    return {}
                kept = task.loss(called, retain).mean()
            return {"forget": forget, "retain": self.retain_weight * kept}

        feed = balanced(sets.forget, sets.retain)
        return trainer.fit(model, feed, objective, self, companion=adversary)
