"""What methods share that leave a CLIP's weights as they are and learn only what they attach to it."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import mixed
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip
from unlearn_cli.tasks.verbs.base import HasLogits
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class AdapterTask(Embeds, HasLogits, Protocol):
    """What adapter tuning asks of a task."""


class AdapterTuning(GradientMethod):
    """min L_memorize + L_forget over an adapter's tensors, as ADU's paper adapts its baselines to domains."""

    needs: ClassVar[type] = AdapterTask
    needs_model: ClassVar[type] = WithAdapter
    maskable: ClassVar[bool] = False

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (ADU's paper) | "
        "neg_entropy (its release)"
    )

    @abstractmethod
    def adapter(self, model: ZeroShotClip) -> Adapter:
        """A fresh one."""

    def unlearn(self, task: AdapterTask, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        trainer.seeded("adapter")
        model = self.attached(model)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return memorize_and_forget(task.logits(called, batch), batch, self.forget_loss)

        return trainer.fit(
            model, mixed(sets.forget, sets.retain), objective, self, parameters=tensors_of_adapter(model)
        )

    def attached(self, model: ZeroShotClip) -> ZeroShotClip:
        """The model with a fresh adapter."""
        model.adapter = self.adapter(model).to(model.mean.device)
        return model

    def restored(self, model: ZeroShotClip, folder: Path) -> nn.Module:
        return self.attached(model)


def tensors_of_adapter(model: nn.Module) -> list[str]:
    """The names of its parameters in the model."""
    return [name for name, _ in model.named_parameters() if name.startswith("adapter.")]
