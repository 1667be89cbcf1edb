"""Task-vector negation: away from what fine-tuning on the forget set does."""

from typing import Annotated, ClassVar, Protocol

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.step_size import largest_step, weights
from unlearn_cli.tasks.verbs.base import Glances, HasLoss
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class TaskVectorTask(Embeds, HasLoss, Glances, Protocol):
    """What task-vector negation asks of a task."""


class TaskVector(GradientMethod):
    """θ' = θ_o − α·τ, τ = θ_ft − θ_o, with θ_ft fine-tuned on the forget set (Ilharco et al., ICLR 2023).

    By the zero-shot head, whose texts `parameters` leaves as they are. α is the largest of `scales` that
    keeps the accuracy on the retain set; with none the model stays as it is. NegMerge (Kim et al.,
    arXiv:2410.05583): τ from several fine-tunings, only where the signs of all agree.
    """

    needs: ClassVar[type] = TaskVectorTask
    sides: ClassVar[tuple[str, ...] | None] = None

    vectors: int = Field(gt=0, description="fine-tunings on the forget set; more than one: NegMerge")
    lr_ratio: float = Field(
        gt=0, description="rate of each fine-tuning to that of the one before; all see other orders, too"
    )
    scales: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        min_length=1, description="α, how much of τ is taken away, to choose from"
    )
    keep: float = Field(ge=0, le=1, description="share of the original's accuracy that α must keep")

    @field_validator("scales")
    @classmethod
    def _takes_something_away(cls, scales: tuple[float, ...]) -> tuple[float, ...]:
        if not any(scales):
            raise ValueError("with 0 alone the model stays as it is; give one above 0")
        return scales

    def has_epochs(self) -> bool:
        return False  # its epochs go towards the forget set, which is then taken away

    def unlearn(self, task: TaskVectorTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        start = weights(model, self.trained_names(model))
        vectors = [self.vector(task, model, sets, trainer, start, number) for number in range(self.vectors)]
        away = {name: -agreed([vector[name] for vector in vectors]) for name in start}
        largest_step(task, model, sets, trainer, start, away, self.scales, self.keep)
        return model

    def vector(
        self,
        task: TaskVectorTask,
        model: nn.Module,
        sets: Sets,
        trainer: Trainer,
        start: dict[str, Tensor],
        number: int,
    ) -> dict[str, Tensor]:
        """θ_ft − θ_o of one fine-tuning; the model is θ_o again afterwards."""

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"forget": task.loss(model, batch).mean()}

        recipe = self.model_copy(update={"lr": self.lr * self.lr_ratio**number})
        trainer.fit(model, shuffled(sets.forget), objective, recipe, stage=f"vector{number + 1}")
        found = {name: model.get_parameter(name).detach() - before for name, before in start.items()}
        with torch.no_grad():
            for name, before in start.items():
                model.get_parameter(name).copy_(before)
        return found


def agreed(parts: list[Tensor]) -> Tensor:
    """Their mean where all have the same sign, else 0."""
    stacked = torch.stack(parts)
    signs = stacked.sign()
    return stacked.mean(0) * (signs == signs[0]).all(0)
