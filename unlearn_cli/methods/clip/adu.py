"""ADU: approximate domain unlearning, by prompts that tell domains apart."""

from itertools import combinations
from pathlib import Path
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import mixed
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.adapter_tuning import tensors_of_adapter
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.prompts import (
    InstancePrompts,
    Prompted,
    TextPrompts,
    VisualPrompts,
    check_context,
    check_depth,
)
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.models.delta import DELTA, shape_in
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class ADU(GradientMethod):
    """L = L_memorize + L_forget + γ·L_CE − λ·MMD² over deep visual prompts (Kawamura et al., NeurIPS 2025).

    L_CE: a linear head on image embeddings names the domain, trained together with the prompts. MMD² of every
    pair of domains in the batch, maximised. InstaPG makes the prompts of one block from the image. With γ, λ
    and InstaPG off this is the paper's "Baseline", prompt tuning by the first two losses.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = WithAdapter
    maskable: ClassVar[bool] = False

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (paper) | neg_entropy "
        "(release)"
    )
    domain_weight: float = Field(ge=0, description="γ, weight of the domains' cross-entropy; 0 = none")
    mmd_weight: float = Field(ge=0, description="λ, weight of the domains' distance; 0 = none")
    mmd_on: Literal["features", "domain_logits"] = Field(
        description="features: image embeddings (paper); domain_logits: the head's output (release)"
    )
    head_scale: float = Field(gt=0, description="the head's input is so many times the unit-length embedding")
    prompts: int = Field(gt=0, description="n, learnable visual prompts of a block")
    depth: int = Field(gt=0, description="blocks with prompts of their own, from the first")
    instance_layer: int | None = Field(
        gt=0, description="the block whose prompts InstaPG makes, counted from 1; null = none"
    )
    text_prompts: int = Field(
        ge=0, description="learnable context of the classes' texts; 0 = fixed texts (paper)"
    )
    text_depth: int = Field(
        gt=0, description="blocks of the text tower with a context of their own, from the first (release: 9)"
    )

    def check(self, task: Embeds, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        check_depth(model, "method.depth", self.depth)
        if self.instance_layer:
            check_depth(model, "method.instance_layer", self.instance_layer)
            if self.instance_layer > self.depth:
                raise InputError(
                    f"method.instance_layer: {self.instance_layer}, but prompts end with block {self.depth} "
                    "(method.depth); give one up to that"
                )
        if self.text_prompts:
            check_depth(model, "method.text_depth", self.text_depth, "text")
            check_context(model, "method.text_prompts", self.text_prompts)

    def adapter(self, model: ZeroShotClip, domains: int) -> Prompted:
        """The prompts, the generator and the head, freshly initialised, on the model's device."""
        width = model.visual.transformer.width
        generator = None
        if self.instance_layer:
            heads = model.visual.transformer.resblocks[0].attn.num_heads
            generator = InstancePrompts(width, heads)
        visual = VisualPrompts(self.prompts, self.depth, width, generator, (self.instance_layer or 1) - 1)
        text = TextPrompts(model, self.text_prompts, self.text_depth) if self.text_prompts else None
        head = nn.Linear(model.visual.output_dim, domains) if self.domain_weight else None
        return Prompted(visual, text, head).to(model.mean.device)

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        domains = numbered(sets, len(trainer.data)).to(trainer.device)
        trainer.seeded("adapter")
        model.adapter = adapter = self.adapter(model, int(domains.max()) + 1)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            images, texts = task.embedded(called, batch)
            terms = memorize_and_forget(model.scaled(images, texts), batch, self.forget_loss)
            return terms | self.domain_loss_terms(adapter.head, images, domains[batch.index])

        return trainer.fit(
            model, mixed(sets.forget, sets.retain), objective, self, parameters=tensors_of_adapter(model)
        )

    def domain_loss_terms(self, head: nn.Module | None, images: Tensor, domains: Tensor) -> dict[str, Tensor]:
        """The domain-disentangling loss of embeddings (B, E) of domains (B,)."""
        terms: dict[str, Tensor] = {}
        logits = head(self.head_scale * images) if head else None
        if logits is not None:
            terms["domain"] = self.domain_weight * F.cross_entropy(logits, domains)
        if self.mmd_weight:
            found = mmd(images if self.mmd_on == "features" or logits is None else logits, domains)
            terms["mmd"] = -self.mmd_weight * found
        return terms

    def restored(self, model: ZeroShotClip, folder: Path) -> nn.Module:
        shape = shape_in(folder / DELTA, "adapter.head.weight")
        model.adapter = self.adapter(model, shape[0] if shape else 1)
        return model


def numbered(sets: Sets, rows: int) -> Tensor:
    """(N,) the domain of each row as methods are told; where none is named, to be forgotten or not."""
    found = sets.groups if len(sets.groups) else sets.is_forget(rows)
    return torch.from_numpy(found.astype("int64"))


def mmd(x: Tensor, domains: Tensor) -> Tensor:
    """MMD² between the domains in a batch, averaged over all pairs of two samples each at least.

    mean k(a, a') + mean k(b, b') − 2 mean k(a, b), k = exp(−‖u − v‖²/2σ²), σ the median distance between the
    two, through which no gradient flows (Gretton et al., JMLR 2012, the biased statistic).
    """
    x = x.float()
    parts = [x[domains == domain] for domain in domains.unique()]
    pairs = [(a, b) for a, b in combinations(parts, 2) if min(len(a), len(b)) > 1]
    if not pairs:
        return x.sum() * 0
    return torch.stack([_mmd_of(a, b) for a, b in pairs]).mean()


def _mmd_of(a: Tensor, b: Tensor) -> Tensor:
    width = 2 * torch.cdist(a, b).detach().median().square().clamp(min=1e-12)

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        squared = (u[:, None] - v[None]).square().sum(-1)  # cdist has no gradient where u = v
        return (-squared / width).exp().mean()

    return kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
