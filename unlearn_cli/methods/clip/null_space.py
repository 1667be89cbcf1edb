"""CCUP: the image tower's projection loses the directions of the forgotten texts, in closed form."""

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.clip.forgotten_texts import DomainText, forgotten_texts
from unlearn_cli.methods.edited import write
from unlearn_cli.models.capabilities import ZeroShot
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer

PROJECTION = "clip.visual.proj"
NEGLIGIBLE = 1e-9  # singular values below that share of the largest span nothing


class NullSpace(Unlearning):
    """f' = P f for image embeddings f, by W' = W Pᵀ in the last projection (Mishra et al., arXiv:2512.14137).

    projection: P = I − β U Uᵀ, U an orthonormal basis of the forgotten texts' embeddings T_f (E, n).
    retain_aware: P = T_r T_rᵀ (T_r T_rᵀ + λ T_f T_fᵀ + μ I)⁻¹, which minimises ‖P T_r − T_r‖² + λ ‖P T_f‖² +
    μ ‖P‖². Without images or training, in float64.

    Of a forgotten domain (arXiv:2512.14113, here without its synthetic images) T_f are texts that name it,
    with every class, T_r those of the other domains. Such T_f span the classes, too: `centre` takes from each
    text the mean of all domains' texts of its class, and `rank` keeps the leading directions alone.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = ZeroShot

    variant: Literal["projection", "retain_aware"] = Field(
        description="how P is made: projection, I − β U Uᵀ; retain_aware, by the texts of D_r, too"
    )
    beta: float = Field(
        gt=0, le=1, description="β, how much of the forgotten directions is taken away; 1 = all (projection)"
    )
    forget_weight: float = Field(gt=0, description="λ, weight of forgetting against keeping (retain_aware)")
    ridge: float = Field(gt=0, description="μ, weight of ‖P‖² (retain_aware)")
    rank: int | None = Field(gt=0, description="leading directions of T_f that count; null = all")
    centre: bool = Field(description="of domains: less what all domains' texts of a class have in common")
    domain_text: DomainText = Field(description="a text that names a domain, {domain}, and a class, {label}")

    def check(self, task: Embeds, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        texts = forgotten_texts(model, data, sets, self.domain_text)
        if self.centre and not texts.classes:
            raise InputError(
                "method.centre: whole classes are forgotten, no domains; set method.centre=false"
            )
        if getattr(model.visual, "proj", None) is None:
            raise InputError("model: its vision tower has no projection to be changed; choose another CLIP")

    @torch.no_grad()
    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        texts = forgotten_texts(model, trainer.data, sets, self.domain_text)
        forget, retain = (model.text_features(part).double() for part in (texts.forget, texts.retain))
        if self.centre:
            # (domains, classes, E)
            by_class = torch.cat([forget, retain]).view(-1, texts.classes, forget.shape[1])
            forget = (forget.view(-1, *by_class.shape[1:]) - by_class.mean(0)).flatten(0, 1)
        change = self.projector(forget.T, retain.T)
        write(model, {PROJECTION: model.get_parameter(PROJECTION).double() @ change.T}, trainer.mask)
        return model.eval()

    def projector(self, forget: Tensor, retain: Tensor) -> Tensor:
        """P (E, E) of T_f (E, n) and T_r (E, m)."""
        basis, lengths = directions(forget, self.rank)
        one = torch.eye(len(forget), dtype=forget.dtype, device=forget.device)
        if self.variant == "projection":
            return one - self.beta * basis @ basis.T
        kept, gone = retain @ retain.T, (basis * lengths.square()) @ basis.T
        # symmetric both, so that P = K A⁻¹ is the transpose of A⁻¹ K
        return torch.linalg.solve(kept + self.forget_weight * gone + self.ridge * one, kept).T


def directions(columns: Tensor, rank: int | None) -> tuple[Tensor, Tensor]:
    """Orthonormal basis (E, r) of the columns' span, leading first, and its singular values (r,)."""
    basis, lengths, _ = torch.linalg.svd(columns, full_matrices=False)
    number = int((lengths > NEGLIGIBLE * lengths[0]).sum())
    number = min(number, rank or number)
    return basis[:, :number], lengths[:number]
