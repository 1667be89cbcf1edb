"""What an unlearning method is."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from torch import nn
from typing_extensions import Never, Self

from unlearn_cli.config.ranges import Searched
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


class Method(Searched):
    """What `method=` chooses. Its fields are its hyper-parameters; their values stand in conf/method/*.yaml.

    `needs` is the Protocol that it asks of a task, and `needs_model` that of a model (see tasks/verbs and
    models/capabilities.py); what lacks a part of it refuses the method before anything is trained. `job` is
    what the run is called in W&B (job_type). `maskable`: it moves weights of the model, of which a mask may
    hold some. `sides`: the fields that weigh its forgetting and its retaining term, the two in one step that
    surgery needs; None where it has not both.

    A subclass types `task` (and, in `check`, `model`) by what it needs: `Never` is what every such type may
    stand in for. `weigh`: the fields that weigh its terms, one of which at least is above 0.
    """

    needs: ClassVar[type] = HasLoss
    needs_model: ClassVar[type] = object
    job: ClassVar[str] = "unlearn"
    maskable: ClassVar[bool] = False
    sides: ClassVar[tuple[str, ...] | None] = None
    weigh: ClassVar[tuple[str, ...]] = ()

    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="seed of unlearning: order of samples, noise, what a mask's scores draw; null: `seed`",
    )
    select: Literal["last", "best"] = Field(
        default="last",
        description="the epoch whose weights are the result: the last, or the best on validation rows",
    )
    stop_at: Annotated[float, Field(ge=0, le=100)] | Literal["validation"] | None = Field(
        default=None,
        description="ends after the first epoch at which no more than so many percent of what is to be "
        "forgotten is still recognised; validation: as many as of validation rows of the same classes",
    )

    @model_validator(mode="after")
    def _weighs_something(self) -> Self:
        if self.weigh and not any(getattr(self, name) for name in self.weigh):
            keys = ", ".join(f"method.{name}" for name in self.weigh)
            raise InputError(f"{keys}: all are 0, and nothing would be learnt; give one above 0")
        return self

    def check(self, task: Never, model: Never, data: ImageData, sets: Sets) -> None:
        """Called before anything is written; `model` is freshly initialised.

        Raises:
            InputError: the settings do not fit this model or data.
        """

    def has_epochs(self) -> bool:
        """Whether the model after any of its epochs could be its result."""
        return False

    def has_two_sides(self) -> bool:
        """Whether each step has a term for forgetting and one for retaining, of some weight."""
        return self.sides is not None and all(getattr(self, weight) for weight in self.sides)


class Unlearning(Method, ABC):
    """An unlearning algorithm."""

    maskable: ClassVar[bool] = True

    @abstractmethod
    def unlearn(self, task: Never, model: Never, sets: Sets, trainer: Trainer) -> nn.Module:
        """Return the unlearned model.

        Args:
            task: the family of model, with the verbs in `needs`.
            model: a copy of the original model on the device, free to be changed; a `nn.Module` with what
                `needs_model` asks for.
            sets: rows of forget, retain, train, validation and test set.
            trainer: the training loop with device, precision, seed and mask; also counts the cost.
        """

    def as_judged(self, task: Never, model: Never) -> nn.Module:
        """The model after an epoch as it would be the result, for a look at it; it trains on."""
        return model

    def restored(self, model: Never, folder: Path) -> nn.Module:
        """Attach to a copy of the original what the method of that run folder added to it beside weights."""
        return model


class GradientMethod(Unlearning, Recipe):
    """An algorithm that trains: its recipe's fields stand beside its own."""

    sides: ClassVar[tuple[str, ...] | None] = ()

    def has_epochs(self) -> bool:
        return True
