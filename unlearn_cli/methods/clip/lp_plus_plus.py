"""LP++: a linear classifier of image embeddings, blended with the classes' texts."""

from copy import copy
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import mixed
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.adapter_tuning import tensors_of_adapter
from unlearn_cli.methods.clip.embedded import Embeddings, embedded
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class LPPlusPlus(GradientMethod):
    """logits_c = s·f·(w_c + α_c t_c), w and α learnt, both towers at rest (Huang et al., CVPR 2024).

    w_c begins as a multiple of the mean embedding of the retained images of class c, α_c as 1 (the paper:
    250 · the mean of f·t_c, with s within α). The images are embedded once, without augmentation.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = WithAdapter

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (ADU's paper) | "
        "neg_entropy (its release)"
    )
    prototypes: float = Field(ge=0, description="w begins as so many times the mean embedding of a class")

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        seen = embedded(model, np.concatenate([sets.forget, sets.retain]), trainer)
        means = class_means(seen.select(~seen.forget), len(model.classes))
        model.adapter = Blended(self.prototypes * means)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            clip = cast(ZeroShotClip, called)  # or a compiled one
            return memorize_and_forget(clip.adapter.logits(clip, batch.x), batch, self.forget_loss)

        data: Any = Embeddings(seen, len(trainer.data))
        phase = copy(trainer)  # the monitor still looks at images
        phase.data = data
        feed = mixed(sets.forget, sets.retain)
        return phase.fit(model, feed, objective, self, parameters=tensors_of_adapter(model))

    def restored(self, model: ZeroShotClip, folder: Path) -> nn.Module:
        model.adapter = Blended(
            torch.zeros(len(model.classes), model.visual.output_dim, device=model.mean.device)
        )
        return model


class Blended(Adapter):
    """w (C, E) and α (C,)."""

    def __init__(self, w: Tensor):
        super().__init__()
        self.w = nn.Parameter(w)
        self.alpha = nn.Parameter(torch.ones(len(w), device=w.device))

    def logits(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        return model.scaled(images, self.w + self.alpha[:, None] * model.class_features())


def class_means(batch: Batch, classes: int) -> Tensor:
    """(C, E) means of x (n, E); 0 for a class of which there are none."""
    members = F.one_hot(batch.y, classes).to(batch.x)
    return members.T @ batch.x / members.sum(dim=0).clamp(min=1)[:, None]
