"""Black-Box Forgetting: a context of the classes' texts is found without gradients."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.clip.embedded import embedded
from unlearn_cli.methods.clip.evolution import evolved
from unlearn_cli.methods.clip.memorize_forget import ForgetLoss, memorize_and_forget
from unlearn_cli.models.capabilities import WithAdapter
from unlearn_cli.models.clip.prompts import Prompted, TextPrompts, check_context
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.trainer import Trainer


class BBF(Unlearning):
    """p_i = A [s; u_i] + p_0 before each name, s and u_i found by CMA-ES (Kuwana et al., NeurIPS 2024).

    s is shared by the n tokens, u_i is token i's own. A is Gaussian with the token embeddings' standard
    deviation, p_0 their mean. L_memorize + L_forget of all images seen, by embeddings computed once; the
    context of the lowest loss is kept (release: of the best H on as many images held out).
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = WithAdapter
    maskable: ClassVar[bool] = False

    forget_loss: ForgetLoss = Field(
        description="loss of forget images: uniform_ce, to the uniform distribution (paper) | neg_entropy"
    )
    context: int = Field(gt=0, description="n, learnable tokens before each class' name")
    shared: int = Field(gt=0, description="dimensions of s, which all tokens of the context share")
    unique: int = Field(gt=0, description="dimensions of u_i, which is a token's own")
    population: int = Field(gt=1, description="contexts tried in an iteration")
    iterations: int = Field(gt=0, description="iterations of CMA-ES; each asks the model `population` times")
    sigma: float = Field(gt=0, description="standard deviation of s and u_i at the start")

    def check(self, task: Embeds, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        check_context(model, "method.context", self.context)

    @torch.no_grad()
    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        seen = embedded(model, np.concatenate([sets.forget, sets.retain]), trainer)
        trainer.seeded("bbf")
        contexts = self.attached(model).contexts
        latent = Latent(model.text.token_embedding.weight, self.shared, self.unique)

        def loss(z: np.ndarray) -> float:
            contexts.copy_(latent.context(z)[None])
            logits = model.adapter.logits(model, seen.x)
            return float(sum(memorize_and_forget(logits, seen, self.forget_loss).values()))

        blocks = [self.shared] + [self.unique] * self.context
        best = evolved(loss, blocks, self.population, self.iterations, self.sigma, trainer)
        contexts.copy_(latent.context(best)[None])
        return model

    def attached(self, model: ZeroShotClip) -> TextPrompts:
        """A fresh context, at work on the model."""
        text = TextPrompts(model, self.context)
        model.adapter = Prompted(text=text).to(model.mean.device)
        return text

    def restored(self, model: ZeroShotClip, folder: Path) -> nn.Module:
        self.attached(model)
        return model


class Latent:
    """From (s, u_1 … u_n), one behind another, to the context p (n, W)."""

    def __init__(self, table: Tensor, shared: int, unique: int):
        """table: (V, W), the token embeddings."""
        self.shared, self.unique = shared, unique
        self.origin = table.mean(dim=0)
        self.projection = table.std() * torch.randn(table.shape[1], shared + unique).to(table)

    def context(self, z: np.ndarray) -> Tensor:
        x = torch.from_numpy(z).to(self.origin)
        own = x[self.shared :].view(-1, self.unique)
        common = x[: self.shared].expand(len(own), -1)
        return torch.cat([common, own], dim=1) @ self.projection.T + self.origin
