"""CA: the prediction for the concept becomes that for an anchor, on the anchor's images."""

from typing import ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.anchored import Anchored
from unlearn_cli.methods.diffusion.start_token import start_detached
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.tasks.verbs.diffusion import HasPrompts, Noises
from unlearn_cli.training.trainer import Trainer


class ConceptAblationTask(HasLoss, Noises, HasPrompts, Protocol):
    """What CA asks of a task."""


class ConceptAblation(GradientMethod):
    """min_θ E ‖ε_θ(z_t, t, c) − sg[ε_θ(z_t, t, c_a)]‖² + w·E_{D_r}[ℓ(θ; z, c)] (Kumari et al., ICCV 2023).

    z_t is a noised image of the anchor, c_a its prompt, c the same prompt with the concept in the anchor's
    place; sg: of the present model, held constant. Noise-based, the target is what the denoising of z asks
    for. No image of the concept is seen, and no prompt is dropped from the first term.
    """

    needs: ClassVar[type] = ConceptAblationTask
    sides: ClassVar[tuple[str, ...] | None] = ("weight",)

    target: Literal["model", "noise"] = Field(
        description="model: sg[ε_θ(z_t, t, c_a)], the paper's; noise: ε"
    )
    weight: float = Field(ge=0, description="w of the denoising loss on retained images (prior preservation)")
    detach_start: bool = Field(
        description="true: no gradient through the start token's keys and values in cross-attention (release)"
    )

    def check(self, task: ConceptAblationTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        Anchored.check(sets)

    def unlearn(self, task: ConceptAblationTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        anchored = Anchored(sets, trainer)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            concept, retain = batch.select(batch.forget), batch.select(~batch.forget)
            anchor = anchored.of(concept)
            z, t, target = task.noised(called, anchor)
            if self.target == "model":
                with torch.no_grad():
                    target = called(z, t, anchor.y, False)
                trainer.count_more(len(anchor), forwards=1)
            with start_detached(model, self.detach_start):
                forget = F.mse_loss(called(z, t, concept.y, False).float(), target.float())
                kept = task.loss(called, retain).mean()
            return {"forget": forget, "retain": self.weight * kept}

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)
