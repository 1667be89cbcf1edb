"""What the evaluations of generators have in common: how images are drawn, and what is kept of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field
from typing_extensions import Self

from unlearn_cli.evaluation.base import Evaluation
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.tasks.verbs.diffusion import GenerationVerbs

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class GeneratorEvaluation(Evaluation):
    """Judges a model by what it draws from noise that is the same for every model."""

    display_keys: ClassVar[tuple[str, ...]] = ("grid_every", "save_samples")

    sampler: Sampler
    grid_every: int = Field(ge=0, description="epochs of unlearning between two sample grids; 0 = none")
    save_samples: bool = Field(description="keep the unlearned model's images in the run folder, as PNG")

    def on_validation(self) -> Self:
        """It draws from the noise of the next seed."""
        next_seed = self.sampler.model_copy(update={"seed": self.sampler.seed + 1})
        return self.model_copy(update={"sampler": next_seed})


def task_of(origins: Origins) -> GenerationVerbs:
    """The run's task; `tasks` has seen to it that it can draw."""
    task: GenerationVerbs = origins.experiment.task
    return task
