"""CLIPFit: a few of a CLIP's own parameters are tuned, and its class embeddings held to what they were."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import mixed
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import ZeroShot
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class CLIPFit(GradientMethod):
    """min L_memorize + L_forget + w·(1 − mean_c cos(t_c, t*_c)) over the parameters (Li et al., EMNLP 2024).

    t* are the original's class embeddings. `parameters` are the biases of the text tower's FFN output
    projections and the LayerNorms of the vision tower.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = ZeroShot

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (ADU's paper) | "
        "neg_entropy (its release)"
    )
    distillation_weight: float = Field(
        ge=0, description="w, weight of staying near the original's class embeddings"
    )

    def check(self, task: Embeds, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        self.trained_names(model, "method.parameters")

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        with torch.no_grad():
            before = model.class_features()

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            images, texts = task.embedded(called, batch)
            terms = memorize_and_forget(model.scaled(images, texts), batch, self.forget_loss)
            return terms | {"distillation": self.distillation_weight * drift(texts, before)}

        return trainer.fit(model, mixed(sets.forget, sets.retain), objective, self)


def drift(texts: Tensor, before: Tensor) -> Tensor:
    """1 − the mean cosine of class embeddings (C, E), normalised, with what they were."""
    return 1 - (texts * before).sum(dim=-1).mean()
