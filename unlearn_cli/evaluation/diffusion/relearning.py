"""The relearning probe: how soon a few forget samples bring a forgotten class back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import Field
from torch import nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.evaluation.diffusion.base import task_of
from unlearn_cli.evaluation.judge import JudgeNetwork, as_floats, judge_outputs
from unlearn_cli.evaluation.relearning import relearned_copy
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.training.optim import Recipe

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

RETURNED = 50.0  # UA in percent under which the class counts as back


class Relearning(Settings):
    """Training on a few forget samples alone, with a look at new images after each pass over them."""

    samples: int = Field(ge=0, description="forget samples to train on, drawn at random; 0 = no probe")
    images: int = Field(gt=0, description="images of the forgotten classes drawn at each look")
    recipe: Recipe = Field(description="its epochs are the limit")

    def steps(
        self,
        origins: Origins,
        model: nn.Module,
        judge: JudgeNetwork,
        sampler: Sampler,
        ua: float,
        folder: Path,
    ) -> int:
        """Steps until UA < 50 %, to within one pass; 0 if the model's UA (percent) is so already."""
        if ua < RETURNED:
            return 0
        task = task_of(origins)
        trainer = origins.trainer(folder)
        generator = rng(origins.experiment.seeds.eval, "relearn")
        rows = generator.permutation(origins.sets.forget)[: self.samples]
        labels = torch.tensor(origins.sets.classes).repeat(self.images)[: self.images]

        def look(model: nn.Module, epoch: int) -> dict[str, float]:
            images = task.preview(model, labels, sampler, trainer)
            judged = judge_outputs(judge, as_floats(images, trainer.device))["logits"].argmax(1)
            return {"forget/UA": 100 * float((judged != labels).float().mean())}

        trainer.monitor = look
        relearned_copy(
            task, model, shuffled(rows), trainer, self.recipe, lambda row: row["forget/UA"] < RETURNED
        )
        return int(trainer.history[-1]["step"])
