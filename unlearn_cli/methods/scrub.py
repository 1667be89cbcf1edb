"""SCRUB: a student disobeys the original model on the forget set and follows it on the retain set."""

from copy import deepcopy
from typing import ClassVar, Literal, Protocol

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed, Plan, shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasDivergence, HasLoss
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


class ScrubTask(HasLoss, HasDivergence, Protocol):
    """What SCRUB asks of a task."""


class Scrub(GradientMethod):
    """min_θ E_{D_r}[γ·ℓ(θ; x, y) + α·d(x; θ)] − E_{D_f}[d(x; θ)] (Kurmanji et al., NeurIPS 2023).

    d(x; θ) = T²·KL(f_{θ_o}(x) ‖ f_θ(x)) of outputs softened by T. Passes over D_f ("max") and D_r ("min")
    take turns.
    """

    needs: ClassVar[type] = ScrubTask
    sides: ClassVar[tuple[str, ...] | None] = None
    weigh: ClassVar[tuple[str, ...]] = ("msteps", "alpha", "gamma")

    passes: Literal["alternate", "disjoint"] = Field(
        description="alternate: each of the first `msteps` epochs is a max pass and then a min pass, later "
        "ones a min pass (paper and its code); disjoint: the first `msteps` + 1 epochs are max passes only, "
        "and the rate falls an epoch after each of `milestones` (WorstCase release, which counts from 0)"
    )
    msteps: int = Field(ge=0, description="epochs with a max pass")
    alpha: float = Field(ge=0, description="α, weight of the divergence on the retain set")
    gamma: float = Field(ge=0, description="γ, weight of the task's loss on the retain set")
    temperature: float = Field(gt=0, description="T, softens both outputs")

    def unlearn(self, task: ScrubTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        teacher = deepcopy(model).eval().requires_grad_(False)

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            trainer.count_more(len(batch), forwards=1)  # the teacher's
            if batch.forget[0]:  # a batch lies in one set
                return {"max": -task.divergence(model, teacher, batch, self.temperature).mean()}
            loss, divergence = task.loss_and_divergence(model, teacher, batch, self.temperature)
            return {"min": self.gamma * loss.mean() + self.alpha * divergence.mean()}

        return trainer.fit(model, self.feed(sets), objective, self.recipe())

    def recipe(self) -> Recipe:
        """Its own, but for milestones that come an epoch later (passes=disjoint)."""
        if self.passes == "alternate":
            return self
        return self.model_copy(update={"milestones": [epoch + 1 for epoch in self.milestones]})

    def feed(self, sets: Sets) -> Feed:
        def feed(epoch: int, batch_size: int, seed: int) -> Plan:
            alternate = self.passes == "alternate"
            maximise = epoch < self.msteps if alternate else epoch <= self.msteps
            minimise = alternate or not maximise
            plan: Plan = []
            if maximise:
                plan += shuffled(sets.forget)(epoch, batch_size, seed)
            if minimise:
                plan += shuffled(sets.retain)(epoch, batch_size, seed)
            return plan

        return feed
