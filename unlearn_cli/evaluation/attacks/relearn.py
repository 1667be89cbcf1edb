"""Relearning: a little training on forget images."""

from typing import ClassVar

from pydantic import Field
from torch import Tensor

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.evaluation.attacks.base import Attack
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.evaluation.relearning import relearned_copy
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.training.optim import Recipe


class Relearn(Attack):
    """min over θ of the task's loss on a few forget images alone; the plain prompts are drawn afterwards.

    All of them: what the model drew before does not count.
    """

    name: ClassVar[str] = "relearn"

    samples: int = Field(gt=0, description="forget images to train on, drawn at random")
    recipe: Recipe

    def successes(self, target: Target) -> Tensor:
        rows = rng(target.seed, self.name).permutation(target.rows)[: self.samples]
        model = relearned_copy(target.task, target.model, shuffled(rows), target.trainer, self.recipe)
        return target.successes(target.numbers, model)

    def rate(self, target: Target, plain: Tensor) -> float:
        return 100 * float(self.successes(target).float().mean())
