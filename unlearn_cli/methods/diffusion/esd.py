"""ESD: the prediction for the forgotten class or prompt turns away from it."""

from copy import deepcopy
from dataclasses import replace
from typing import ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.unconditional import check_unconditional, turned_away
from unlearn_cli.methods.diffusion.words import Erased, check_erased, erased
from unlearn_cli.models.capabilities import Guidable
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tasks.verbs.diffusion import Underway
from unlearn_cli.training.trainer import Trainer


class ESD(GradientMethod):
    """min_θ E ‖ε_θ(x_t, t, c) − [ε*(x_t, t, ∅) − η·(ε*(x_t, t, c) − ε*(x_t, t, ∅))]‖².

    Gandikota et al., ICCV 2023, Eq. 6; * is the original model, c what is erased. x_t is drawn by the
    original model for c, from noise down to a random step: of the forget set only the labels count, and no
    retain data are seen. Which layers move, the paper's variants, is for `parameters` to say.

    The authors' program of 2025 begins its target with another prompt c_from, which is also what x_t is drawn
    for and what the model is asked for: ‖ε_θ(x_t, t, c_from) − [ε*(x_t, t, c_from) − η·(…)]‖². It is theirs
    without `erase_from`, too, with c_from = c: their η is then the paper's + 1.
    """

    needs: ClassVar[type] = Underway
    needs_model: ClassVar[type] = Guidable
    sides: ClassVar[tuple[str, ...] | None] = None

    eta: float = Field(
        ge=0,
        description="η, how far the target turns away from c; the paper's is 1, the release's 2 (with "
        "`erase_from`)",
    )
    erase: Erased = Field(
        description="c; prompt: the forgotten row's whole prompt, or its class; concept: the words of "
        "forget.concept alone, as in the releases"
    )
    erase_from: Literal["nothing", "prompt"] = Field(
        description="where the target begins; nothing: at ε*(x_t, t, ∅) (paper); prompt: at "
        "ε*(x_t, t, c_from), c_from the row's prompt or class (release)"
    )
    sampler: Sampler = Field(description="how the original model draws x_t")

    def check(self, task: Underway, model: Denoiser, data: ImageData, sets: Sets) -> None:
        check_unconditional(model, "ESD", "class")
        check_erased(self.erase, model, sets)
        self.sampler.check(model, "method.sampler")

    def unlearn(self, task: Underway, model: Denoiser, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            concept = erased(self.erase, original, sets, batch.y)
            asked = batch.y if self.erase_from == "prompt" else concept
            x, t = task.underway(original, replace(batch, y=asked), self.sampler, trainer)
            begin = asked if self.erase_from == "prompt" else None
            target = turned_away(original, x, t, concept, self.eta, begin)
            trainer.count_more(len(batch), forwards=2 if begin is None else 3)
            return {"forget": F.mse_loss(called(x, t, asked, False).float(), target)}

        return trainer.fit(model, shuffled(sets.forget), objective, self)
