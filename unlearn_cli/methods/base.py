"""What an unlearning method is."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from torch import nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


class Method(Settings):
    """What `method=` chooses. Its fields are its hyper-parameters; their values stand in conf/method/*.yaml.

    `needs` names the verbs and capabilities it asks of the task; a task that lacks one refuses the method
    before anything is computed. `job` is what the run is called in W&B (job_type).
    """

    needs: ClassVar[tuple[str, ...]] = ("loss",)
    job: ClassVar[str] = "unlearn"

    def check(self, task: Any, model: nn.Module, data: ImageData, sets: Sets) -> None:
        """Called before anything is written; `model` is freshly initialised.

        Raises:
            InputError: the settings do not fit this model or data.
        """


class Unlearning(Method, ABC):
    """An unlearning algorithm."""

    @abstractmethod
    def unlearn(self, task: Any, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        """Return the unlearned model.

        Args:
            task: the family of model; answers the verbs in `needs`.
            model: a copy of the original model on the device, free to be changed.
            sets: rows of forget, retain, train, validation and test set.
            trainer: the training loop with device, precision, seed and mask; also counts the cost.
        """

    def restored(self, model: Any, folder: Path) -> nn.Module:
        """Attach to a copy of the original what the method of that run folder added to it beside weights."""
        return model


class GradientMethod(Unlearning, Recipe):
    """An algorithm that trains: its recipe's fields stand beside its own."""
