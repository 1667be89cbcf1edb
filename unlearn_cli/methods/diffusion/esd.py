"""ESD: the prediction for the forgotten class turns away from that class."""

from copy import deepcopy
from typing import ClassVar

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.unconditional import check_unconditional
from unlearn_cli.models.capabilities import Guidable
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tasks.verbs.diffusion import HasNegativeGuidance
from unlearn_cli.training.trainer import Trainer


class ESD(GradientMethod):
    """min_θ E ‖ε_θ(x_t, t, c) − [ε*(x_t, t, c) − η·(ε*(x_t, t, c) − ε*(x_t, t, ∅))]‖².

    Gandikota et al., ICCV 2023, Eq. 6; the class stands in the prompt's place, * is the original model. x_t
    is drawn by the original model for c, from noise down to a random step: of the forget set only the labels
    count, and no retain data are seen. Which layers move, the paper's variants, is for `parameters` to say.
    """

    needs: ClassVar[type] = HasNegativeGuidance
    needs_model: ClassVar[type] = Guidable

    eta: float = Field(ge=0, description="η, how far beyond the prediction without a class; the paper's is 1")
    sampler: Sampler = Field(description="how the original model draws x_t")

    def check(self, task: HasNegativeGuidance, model: Denoiser, data: ImageData, sets: Sets) -> None:
        check_unconditional(model, "ESD", "class")
        self.sampler.check(model, "method.sampler")

    def unlearn(self, task: HasNegativeGuidance, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            losses = task.negative_guidance_loss(model, original, batch, self.eta, self.sampler, trainer)
            return {"forget": losses.mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)
