"""Forget, remind, restore: a subgroup of images taken out of a CLIP in three stages."""

from copy import deepcopy
from typing import Annotated, ClassVar, Protocol

from pydantic import Field, field_validator
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.methods.clip.step_size import largest_step, weights
from unlearn_cli.tasks.verbs.base import Glances, HasDivergence, HasLogits, HasLoss
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class SubgroupTask(Embeds, HasLogits, HasLoss, HasDivergence, Glances, Protocol):
    """What the three stages asks of a task."""


class Subgroup(GradientMethod):
    """L_forget on D_f, then ℓ + λ·d on D_r, then θ' = a·θ_o + (1 − a)·θ_u (Zhang et al., CVPR 2025).

    Forgetting, reminding and restoring; d(x; θ) = T²·KL(f_{θ_o}(x) ‖ f_θ(x)) distils the original. a is the
    smallest of `shares` with which the accuracy on the retain set recovers; a single one with keep = 0 is
    taken as it is. The paper trains the layers that matter more to D_f than to D_r; here `parameters` names
    them. The recipe's own epochs and rate are those of the first stage.
    """

    needs: ClassVar[type] = SubgroupTask
    sides: ClassVar[tuple[str, ...] | None] = None

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution | neg_entropy (see ADU)"
    )
    remind_epochs: int = Field(gt=0, description="epochs of the second stage, reminding")
    remind_lr: float = Field(gt=0, description="learning rate of the second stage, reminding")
    distillation: float = Field(ge=0, description="λ, weight of the divergence d from the original")
    temperature: float = Field(gt=0, description="T, softens both outputs")
    shares: tuple[Annotated[float, Field(ge=0, le=1)], ...] = Field(
        min_length=1, description="a, the original's share of the restored weights, to choose from"
    )
    keep: float = Field(ge=0, le=1, description="share of the original's accuracy that a must recover")

    @field_validator("shares")
    @classmethod
    def _leaves_something(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        if min(shares) == 1:
            raise ValueError("with 1 alone the model is the original; give one below 1")
        return shares

    def has_epochs(self) -> bool:
        return False  # its two trainings and the restoring are one

    def unlearn(self, task: SubgroupTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        teacher = deepcopy(model).eval().requires_grad_(False)
        start = weights(model, self.trained_names(model))

        def forget(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            terms = memorize_and_forget(task.logits(model, batch), batch, self.forget_loss)
            return {"forget": terms["forget"]}

        def remind(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            trainer.count_more(len(batch), forwards=1)  # the teacher's
            loss, distance = task.loss_and_divergence(model, teacher, batch, self.temperature)
            return {"retain": loss.mean(), "distillation": self.distillation * distance.mean()}

        trainer.fit(model, shuffled(sets.forget), forget, self, stage="forget")
        reminding = self.model_copy(update={"epochs": self.remind_epochs, "lr": self.remind_lr})
        trainer.fit(model, shuffled(sets.retain), remind, reminding, stage="remind")
        moved = {name: model.get_parameter(name).detach() - before for name, before in start.items()}
        steps = [1 - share for share in self.shares]
        largest_step(task, model, sets, trainer, start, moved, steps, self.keep)
        return model
