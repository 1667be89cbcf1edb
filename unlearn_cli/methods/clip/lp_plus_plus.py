"""LP++: a linear classifier of image embeddings, blended with the classes' texts."""

from copy import copy
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import mixed
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.embedded import Embeddings, embedded
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.step import total
from unlearn_cli.training.trainer import Trainer

BLENDING = 250.0  # α begins as so many times the mean of f·t_c (paper)


class LPPlusPlus(GradientMethod):
    """logits_c = f·(w_c + α_c t_c) + b_c, both towers at rest (Huang et al., CVPR 2024).

    The data give the rates: 4n/λ_max(FᵀF) for w and b, n/(4·max_c Σ_i (f_i·t_c)²) for α, with F the n
    embeddings that are seen. w_c begins as the sum of the retained images of class c, α as 250 times the mean
    over classes of the mean of f·t_c, b as a layer of PyTorch's. The images are embedded once, not augmented.
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = WithAdapter
    maskable: ClassVar[bool] = False

    lr: float = Field(gt=0, description="factor of the rates that the data give; the paper's is 1")
    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (ADU's paper) | "
        "neg_entropy (its release)"
    )
    prototypes: float = Field(
        ge=0, description="w begins as so many times the sum of a class' embeddings (release: 1)"
    )
    alpha_every: int = Field(gt=0, description="α moves every so many steps, without momentum")
    alpha_gradient: Literal["last", "release"] = Field(
        description="what α moves against: last, the gradient of that step | release, the sum of those of "
        "all steps so far, which its program never clears"
    )

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        seen = embedded(model, np.concatenate([sets.forget, sets.retain]), trainer)
        trainer.seeded("adapter")
        model.adapter = adapter = Blended(len(model.classes), seen.x.shape[1]).to(seen.x.device)
        with torch.no_grad():
            texts = model.class_features()
        rate, alpha_rate = rates(seen.x, texts)
        adapter.begin(self.prototypes, seen.select(~seen.forget), texts)
        blending = Blending(adapter, self.lr * alpha_rate, self.alpha_every, self.alpha_gradient == "release")

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            alpha = adapter.alpha.detach().requires_grad_()
            logits = adapter.blended(batch.x, texts, alpha)
            terms = memorize_and_forget(logits, batch, self.forget_loss)
            (found,) = torch.autograd.grad(total(terms), alpha, retain_graph=True)
            blending.gradient = trainer.compute.mean(found)
            return terms

        data: Any = Embeddings(seen, len(trainer.data))
        phase = copy(trainer)  # the monitor still looks at images
        phase.data = data
        recipe = self.model_copy(update={"lr": self.lr * rate})
        return phase.fit(
            model,
            mixed(sets.forget, sets.retain),
            objective,
            recipe,
            parameters=["adapter.w", "adapter.bias"],
            companion=blending,
        )

    def restored(self, model: ZeroShotClip, folder: Path) -> nn.Module:
        model.adapter = Blended(len(model.classes), model.visual.output_dim).to(model.mean.device)
        return model


class Blended(Adapter):
    """w (C, E), b (C,) and α (C,)."""

    def __init__(self, classes: int, dim: int):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(classes, dim))
        self.bias = nn.Parameter(torch.empty(classes).uniform_(-(dim**-0.5), dim**-0.5))
        self.alpha = nn.Parameter(torch.zeros(classes))

    @torch.no_grad()
    def begin(self, prototypes: float, kept: Batch, texts: Tensor) -> None:
        """By the embeddings (n, E) of what is kept and the classes' texts (C, E)."""
        members = F.one_hot(kept.y, len(texts)).to(kept.x)
        self.w.copy_(prototypes * members.T @ kept.x)
        number = members.sum(dim=0)
        means = (members * (kept.x @ texts.T)).sum(dim=0)[number > 0] / number[number > 0]
        self.alpha.fill_(BLENDING * float(means.mean()))

    def blended(self, images: Tensor, texts: Tensor, alpha: Tensor) -> Tensor:
        """(B, C) of images (B, E), by any α (C,)."""
        return images @ self.w.T + self.bias + alpha * (images @ texts.T)

    def logits(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        return self.blended(images, model.class_features(), self.alpha)


class Blending:
    """α's own steps, beside those of w (see `Companion`)."""

    def __init__(self, adapter: Blended, rate: float, every: int, keeps: bool):
        self.adapter, self.rate, self.every, self.keeps = adapter, rate, every, keeps
        self.gradient = torch.zeros_like(adapter.alpha)
        """Of the step at hand."""
        self.summed = torch.zeros_like(adapter.alpha)
        self.steps = 0

    @torch.no_grad()
    def step(self) -> dict[str, Tensor]:
        self.steps += 1
        self.summed = self.summed + self.gradient if self.keeps else self.gradient
        if self.steps % self.every == 0:
            self.adapter.alpha.sub_(self.rate * self.summed)
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {"summed": self.summed, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.summed, self.steps = state["summed"], state["steps"]


def rates(images: Tensor, texts: Tensor) -> tuple[float, float]:
    """Those of w and of α, from embeddings (n, E) and the classes' texts (C, E)."""
    n = len(images)
    largest = torch.linalg.eigvalsh(images.double().T @ images.double())[-1]
    steepest = (images.double() @ texts.double().T).square().sum(dim=0).max()
    return float(4 * n / largest), float(n / (4 * steepest))
