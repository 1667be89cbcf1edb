"""SPM: one-dimensional adapters learn to erase, held to the original model on random embeddings."""

from collections.abc import Collection
from copy import deepcopy
from typing import Any, ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import parametrize

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.diffusion.anchored import Anchored
from unlearn_cli.methods.edited import write
from unlearn_cli.models.capabilities import WithPrompts
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.diffusion import HasPrompts, Underway
from unlearn_cli.training.trainer import Trainer


class SPMTask(Underway, HasPrompts, Protocol):
    """What SPM asks of a task."""


class SPM(GradientMethod):
    """min E ‖ε(c) − [ε*(n) − g·(ε*(c) − ε*(n))]‖² + w·E_r ‖ε(r) − ε*(r)‖², all at (x_t, t).

    Lyu et al., CVPR 2024. ε is the original model ε* with W + b aᵀ for the weights W of each linear layer or
    1x1 convolution of the transformer blocks that `parameters` names; only a and b learn, b from 0. n is a
    neutral prompt; x_t is drawn for the prompt c by the present model, from noise to a random step. Latent
    anchoring: r are random embeddings, see `random_embeddings`.

    At the end b aᵀ is added to the weights, where a mask lets it: the outcome is an ordinary model. The
    paper's facilitated transport, a strength for each prompt when sampling, is therefore not there.
    """

    needs: ClassVar[type] = SPMTask
    needs_model: ClassVar[type] = WithPrompts
    sides: ClassVar[tuple[str, ...] | None] = ("weight",)

    neutral: Literal["empty", "anchor"] = Field(description="n: the empty prompt, or the anchor's")
    guidance: float = Field(ge=0, description="g, how far beyond the neutral prediction; release: 1")
    weight: float = Field(ge=0, description="w of latent anchoring; release: 1000")
    anchors: int = Field(gt=0, description="random embeddings r per step; release: 4")
    sampler: Sampler = Field(description="how x_t is drawn")

    def check(self, task: SPMTask, model: TextToImage, data: ImageData, sets: Sets) -> None:
        if self.neutral == "anchor":
            Anchored.check(sets)
        if not linear_layers(model, self.trained_names(model)):
            raise InputError(
                f"method.parameters: '{self.parameters}' names no linear layer of a transformer block; "
                "SPM adapts those: try 'attn2'"
            )
        self.sampler.check(model, "method.sampler")

    def unlearn(self, task: SPMTask, model: TextToImage, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)
        trainer.seeded("spm")
        layers = linear_layers(model, self.trained_names(model))
        for layer in layers.values():
            parametrize.register_parametrization(layer, "weight", RankOne(layer.weight))

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            x, t = task.underway(called, batch, self.sampler, trainer)
            neutral = torch.full_like(batch.y, model.null) if self.neutral == "empty" else batch.anchor
            with torch.no_grad():
                base, concept = original(x, t, neutral).float(), original(x, t, batch.y).float()
                target = base - self.guidance * (concept - base)
            forget = F.mse_loss(called(x, t, batch.y, False).float(), target)
            # as many as asked for, at the states and embeddings of the batch in turn
            turn = torch.arange(self.anchors, device=x.device) % len(x)
            x, t = x[turn], t[turn]
            with torch.no_grad():
                r = random_embeddings(original.conditioning(batch.y[turn]).float())
                kept = original(x, t, r).float()
            trainer.count_more(len(batch), forwards=2)
            trainer.count_more(self.anchors, forwards=2, backwards=1)
            retain = F.mse_loss(called(x, t, r, False).float(), kept)
            return {"forget": forget, "retain": self.weight * retain}

        names = [name for name, _ in model.named_parameters() if ".parametrizations.weight.0." in name]
        trainer.fit(model, shuffled(sets.forget), objective, self, parameters=names)
        merged = {f"{name}.weight": layer.weight.detach() for name, layer in layers.items()}
        write(original, merged, trainer.mask)
        return original.requires_grad_(True)


class RankOne(nn.Module):
    """W + b aᵀ: a uniform within ±1/√n of n inputs, as LoRA's, b zero (rank and alpha are 1)."""

    def __init__(self, weight: Tensor):
        super().__init__()
        down = nn.init.kaiming_uniform_(torch.empty(1, weight[0].numel()), a=5**0.5)
        self.down = nn.Parameter(down.to(weight.device))
        self.up = nn.Parameter(torch.zeros(len(weight), 1, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def linear_layers(model: nn.Module, names: Collection[str]) -> dict[str, Any]:
    """By name, the linear layers in transformer blocks whose weights are among these parameters."""
    layers = {
        f"{above}.{name}": layer
        for above, block in model.named_modules()
        if isinstance(block, Transformer2DModel)
        for name, layer in block.named_modules()
        if isinstance(layer, nn.Linear) or (isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1))
    }
    return {name: layer for name, layer in layers.items() if f"{name}.weight" in names}


def random_embeddings(like: Tensor) -> Tensor:
    """For each of the embeddings (B, L, D) a Gaussian one of 0.8 to 1.2 times its norm.

    It is accepted with the probability 1 − cos(the two), else drawn again.
    """
    flat = like.flatten(1)
    drawn, left = torch.empty_like(flat), torch.ones(len(flat), dtype=torch.bool, device=like.device)
    while left.any():
        fresh = F.normalize(torch.randn(flat.shape).to(like.device), dim=1)
        accepted = torch.rand(len(flat)).to(like.device) < 1 - F.cosine_similarity(fresh, flat)
        drawn = torch.where((left & accepted)[:, None], fresh, drawn)
        left = left & ~accepted
    length = (0.8 + 0.4 * torch.rand(len(flat), 1).to(like.device)) * flat.norm(dim=1, keepdim=True)
    return (length * drawn).view_as(like)
