"""KL-Min: ascent on the forget set, the original model's predictions on the retain set."""

from copy import deepcopy
from typing import ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasDivergence
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods
from unlearn_cli.training.trainer import Trainer


class KLMinTask(HasLikelihoods, HasDivergence, Protocol):
    """What KL-Min asks of a task."""


class KLMin(GradientMethod):
    """min_θ −E_{D_f}[ℓ(θ; x, y)] + λ·E_{D_r}[KL(p_{θ_o}(·|x) ‖ p_θ(·|x))] (Maini et al., COLM 2024).

    ℓ = −log p_θ(y|x)/|y|; it and the KL of a row are means over the answer's |y| tokens, E is one over rows.
    MLLMU-Bench's code sums the KL over all positions of a batch, padding and images among them: its λ depends
    on the texts' length.
    """

    needs: ClassVar[type] = KLMinTask
    sides: ClassVar[tuple[str, ...] | None] = ("retain_weight",)

    retain_weight: float = Field(ge=0, description="λ, weight of the divergence on the retain set")

    def unlearn(self, task: KLMinTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = batch.select(batch.forget), batch.select(~batch.forget)
            nll, tokens = task.likelihoods(model, forget)
            return {
                "forget": -(nll / tokens).mean(),
                "retain": self.retain_weight * task.divergence(model, original, retain).mean(),
            }

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)
