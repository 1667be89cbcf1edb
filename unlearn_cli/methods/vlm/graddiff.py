"""GradDiff: ascent on the forget set and descent on the retain set."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed, balanced, sequential, shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.vlm import HasLikelihoods
from unlearn_cli.training.trainer import Trainer


class GradientDifference(GradientMethod):
    """min_θ −λ_f·E_{D_f}[ℓ(θ; x, y)] + λ_r·E_{D_r}[ℓ(θ; x, y)] (Liu et al., CoLLAs 2022).

    ℓ = −log p_θ(y|x)/|y|, a mean over the answer's |y| tokens; E is a mean over rows. As NegGrad+, but half
    of every step is of D_f, which is therefore seen often however small it is.
    """

    needs: ClassVar[type] = HasLikelihoods
    sides: ClassVar[tuple[str, ...] | None] = ("forget_weight", "retain_weight")

    forget_weight: float = Field(gt=0, description="λ_f, weight of the ascent")
    retain_weight: float = Field(ge=0, description="λ_r, weight of the descent")
    order: Literal["joint", "alternate"] = Field(
        description="joint: every step holds as many rows of D_f as of D_r, an epoch is a pass over D_r; "
        "alternate: in each epoch all of D_f, then all of D_r (released code of MLLMU-Bench)"
    )

    def has_two_sides(self) -> bool:
        return super().has_two_sides() and self.order == "joint"

    def unlearn(self, task: HasLikelihoods, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            nll, tokens = task.likelihoods(model, batch)
            losses, terms = nll / tokens, {}
            if batch.forget.any():
                terms["forget"] = -self.forget_weight * losses[batch.forget].mean()
            if not batch.forget.all():
                terms["retain"] = self.retain_weight * losses[~batch.forget].mean()
            return terms

        return trainer.fit(model, self.feed(sets), objective, self)

    def feed(self, sets: Sets) -> Feed:
        if self.order == "joint":
            return balanced(sets.forget, sets.retain)
        return sequential(shuffled(sets.forget), shuffled(sets.retain))
