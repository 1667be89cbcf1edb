"""RL: random labels on the forget set, true labels on the retain set."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed, balanced, mixed, paired, sequential, shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.expectation import expectations
from unlearn_cli.tasks.verbs.base import HasWrongLoss
from unlearn_cli.training.trainer import Objective, Trainer


class RandomLabel(GradientMethod):
    """min_θ E_{D_f, y'≠y}[ℓ(θ; x, y')] + α·E_{D_r}[ℓ(θ; x, y)] from θ_o (Fan et al., ICLR 2024, Eq. 6).

    After Golatkar et al. (CVPR 2020). y' is drawn anew in every step. What y' is, the task knows: a random
    label here, the prediction for another class or prompt in a diffusion model.
    """

    needs: ClassVar[type] = HasWrongLoss
    sides: ClassVar[tuple[str, ...] | None] = ("alpha",)

    alpha: float = Field(ge=0, description="α, weight of the retain term; the paper's classification uses 1")
    exclude_true: bool = Field(
        description="true: y' ≠ y (the equation); false: y' uniform over all labels (the released code)"
    )
    order: Literal["paired", "balanced", "mixed", "sequential"] = Field(
        description="paired: every step holds its share of both sets, weighed as in the equation; mixed: "
        "one shuffled pass, every sample of equal weight (released code for CIFAR-100, Tiny-ImageNet); "
        "balanced: half of every step is of D_f, an epoch is a pass over D_r (released code for DDPM); "
        "sequential: in each epoch all of D_f, then all of D_r (released code for CIFAR-10, SVHN)"
    )

    def has_two_sides(self) -> bool:
        return super().has_two_sides() and self.order != "sequential"

    def unlearn(self, task: HasWrongLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        return trainer.fit(model, self.feed(sets), self.objective(task, sets, trainer), self)

    def objective(self, task: HasWrongLoss, sets: Sets, trainer: Trainer) -> Objective:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            if task.wrong_forwards:
                trainer.count_more(int(batch.forget.sum()), task.wrong_forwards)
            losses = task.wrong_loss(model, batch, exclude_true=self.exclude_true, where=batch.forget)
            if self.order == "paired":
                forget, retain = expectations(losses, batch, sets)
            elif self.order == "balanced":
                forget, retain = losses[batch.forget].mean(), losses[~batch.forget].mean()
            else:
                forget, retain = (losses * batch.forget).mean(), (losses * ~batch.forget).mean()
            return {"forget": forget, "retain": self.alpha * retain}

        return objective

    def feed(self, sets: Sets) -> Feed:
        if self.order == "paired":
            return paired(sets.forget, sets.retain)
        if self.order == "balanced":
            return balanced(sets.forget, sets.retain)
        if self.order == "mixed":
            return mixed(sets.forget, sets.retain)
        return sequential(shuffled(sets.forget), shuffled(sets.retain))
