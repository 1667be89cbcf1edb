"""CLIPErase: pairs of image and text to be forgotten come apart, the others stay together."""

from copy import deepcopy
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.models.capabilities import ZeroShot
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class CLIPErase(GradientMethod):
    """λ_f·E_{D_f}[cos(f, t)] + λ_r·InfoNCE on D_r + λ_c·KL(S_o ‖ S) on D_r (Yang et al., ACL 2025).

    A pair is an image and the text of its class; S = s·f tᵀ are the similarities of all images and texts of
    a step's retained pairs, softmaxed over the texts, S_o those of the original model. The forget term is the
    mean of the diagonal, the same from image to text and from text to image.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = ZeroShot
    sides: ClassVar[tuple[str, ...] | None] = ("forget_weight", "retain_weight")
    weigh: ClassVar[tuple[str, ...]] = ("forget_weight", "retain_weight", "consistency_weight")

    forget_weight: float = Field(ge=0, description="λ_f, weight of the similarity of forgotten pairs")
    retain_weight: float = Field(ge=0, description="λ_r, weight of InfoNCE on the retain set")
    consistency_weight: float = Field(
        ge=0, description="λ_c, weight of the divergence from the original's similarities"
    )

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)

        def pairs(network: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
            images, texts = task.embedded(network, batch)
            return images, texts[batch.y]

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            (images, texts), kept = pairs(called, batch), ~batch.forget
            similarities = model.scaled(images[kept], texts[kept])
            with torch.no_grad():
                before = original.scaled(*pairs(original, batch.select(kept)))
            return {
                "forget": self.forget_weight * (images * texts)[batch.forget].sum(-1).mean(),
                "retain": self.retain_weight * info_nce(similarities, batch.y[kept]),
                "consistency": self.consistency_weight * consistency(similarities, before),
            }

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)


def info_nce(similarities: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of pairs (n, n) in both directions; pairs of one label (n,) are positives of each other.

    Where all labels differ this is CLIP's own loss; with few classes it would push equal texts apart.
    """
    same = (labels[:, None] == labels[None]).float()
    target = same / same.sum(dim=1, keepdim=True)
    both = F.cross_entropy(similarities, target) + F.cross_entropy(similarities.T, target)
    return both / 2


def consistency(similarities: Tensor, before: Tensor) -> Tensor:
    """KL(before ‖ now) of images' distributions over texts, (n, n) logits both; the mean over images."""
    now, was = similarities.log_softmax(dim=1), before.log_softmax(dim=1)
    return F.kl_div(now, was, reduction="batchmean", log_target=True)
