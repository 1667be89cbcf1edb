"""CF-k: catastrophic forgetting of the last k layers."""

from typing import ClassVar, Protocol

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.models.capabilities import WithWeightLayers
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.tasks.verbs.classification import HasWeightLayers
from unlearn_cli.training.trainer import Objective, Trainer


class LayeredTask(HasLoss, HasWeightLayers, Protocol):
    """What CF-k asks of a task."""


class CFk(GradientMethod):
    """min_{θ_last k} E_{D_r}[ℓ(θ; x, y)] from θ_o, all else frozen (Goel et al., arXiv:2201.06640)."""

    needs: ClassVar[type] = LayeredTask
    needs_model: ClassVar[type] = WithWeightLayers
    sides: ClassVar[tuple[str, ...] | None] = None

    k: int = Field(gt=0, description="weight layers that train, counted from the output; 1 = the head alone")

    def check(self, task: LayeredTask, model: nn.Module, data: ImageData, sets: Sets) -> None:
        self.last_layers(task, model)

    def unlearn(self, task: LayeredTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        names = self.last_layers(task, model)
        return trainer.fit(model, shuffled(sets.retain), self.objective(task), self, parameters=names)

    def objective(self, task: LayeredTask) -> Objective:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            return {"retain": task.loss(model, batch).mean()}

        return objective

    def last_layers(self, task: LayeredTask, model: nn.Module) -> list[str]:
        """Names of the parameters of the last k weight layers."""
        layers = task.weight_layers(model)
        if self.k > len(layers):
            raise InputError(f"method.k: {self.k} is too many, the model has {len(layers)} weight layers")
        return [name for layer in layers[-self.k :] for name in layer]
