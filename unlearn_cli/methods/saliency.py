"""SalUn's weight saliency mask, for any method that trains."""

import re
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_cli.config.ranges import Searched
from unlearn_cli.config.settings import Settings
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import Guidable, trained_by_default
from unlearn_cli.models.diffusion.denoiser import remedy
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.storage.store import Store
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.tasks.verbs.base import Deterministic, HasGuidedLoss, HasLoss, Task
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


class NoMask(Settings):
    """Every weight may move."""

    scored: ClassVar[bool] = False

    def check(self, task: Task, model: nn.Module, recipe: Recipe | None) -> None:
        """As `SaliencyMask.check`; there is nothing that could not fit."""

    def build(
        self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer, store: Store, facts: dict
    ) -> Mask | None:
        return None


class SaliencyMask(Searched):
    """m_S = 1(|∇_θ ℓ_f(θ_o; D_f)| ≥ γ) (Fan et al., ICLR 2024, Eq. 4), γ from the fraction kept free.

    One ranking over all parameters (weights, biases, norm scales), none of them normalised, as in the paper;
    of a CLIP over those of its vision tower, of a text-to-image model over those of its UNet (release).
    """

    scored: ClassVar[bool] = True
    """Whether there are scores, made once for a model and a forget set."""

    fraction: float = Field(
        gt=0, le=1, description="share of the weights that may move; 0.5 = γ is the median"
    )
    mode: Literal["hard", "grad_only"] = Field(
        description="hard: masked weights stay; grad_only: their gradients alone are zeroed, as in the "
        "published tables' code"
    )
    parameters: str | None = Field(
        description="a regular expression: the parameters whose names hold it are ranked, the others are "
        "free; null = all, of a CLIP all of its vision tower"
    )
    batch_size: int = Field(
        gt=0,
        description="samples per pass; the gradient is summed, so it only sets memory, unless batches are "
        "clipped or the loss is random",
    )
    clip_norm: float | None = Field(
        gt=0,
        description="the gradient of each batch's mean loss is clipped to this norm before it is added "
        "(SalUn's DDPM); null = plain sum over the samples",
    )
    guidance: float | None = Field(
        ge=0,
        description="w: the loss is the guided prediction's (SalUn's DDPM); null = the task's plain loss",
    )

    def check(self, task: Task, model: nn.Module, recipe: Recipe | None) -> None:
        """Called before anything is written; `model` is freshly initialised.

        recipe: the method's, None if it moves weights in another way.

        Raises:
            InputError: guidance asked of a task or a model that has none, a mask of no effect.
        """
        self._check_effect(model, recipe)
        if self.guidance is not None and not isinstance(task, HasGuidedLoss):
            raise InputError(f"mask.guidance: task={task.name} has no guided loss; set mask.guidance=null")
        if self.guidance and not (isinstance(model, Guidable) and model.unconditional):
            raise InputError(
                "mask.guidance: guidance needs a model trained with label drop; "
                f"{remedy(model)} or set mask.guidance=null"
            )

    def _check_effect(self, model: nn.Module, recipe: Recipe | None) -> None:
        """InputError: no weight would be free, all would be, or those that are trained are not ranked."""
        weights: dict[str, Tensor] = dict(model.named_parameters())
        ranked = self.ranked(weights, model)
        if not ranked:
            raise InputError(
                f"mask.parameters: no parameter's name holds '{self.parameters}'; set null for all"
            )
        count = sum(parameter.numel() for parameter in ranked.values())
        free, given = round(self.fraction * count), f"mask.fraction: {self.fraction:g} of {count:,} weights"
        if free == 0:
            raise InputError(f"{given} frees none of them; give {1 / count:.1g} or more")
        if free == count:
            raise InputError(f"{given} frees all of them; set mask=none, or give less")
        if recipe and not ranked.keys() & {*recipe.trained_names(model, "method.parameters")}:
            raise InputError(
                f"mask: it ranks weights like {next(iter(ranked))}, and "
                f"method.parameters='{recipe.parameters}' trains none of these; "
                "set mask=none, or method.parameters=null"
            )

    def build(
        self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer, store: Store, facts: dict
    ) -> Mask:
        """The mask for this model and forget set; its scores are made once and serve any fraction."""

        def make(folder: Path) -> None:
            cost = Cost()
            with cost.clock(trainer.device):
                scores = saliency(
                    task, model, sets.forget, trainer, self.batch_size, self.clip_norm, self.guidance
                )
            if trainer.is_main:
                tensors = {name: score.cpu().contiguous() for name, score in scores.items()}
                write_tensors(folder / "scores.safetensors", tensors)
                write_json(folder / "cost.json", cost.to_dict())

        folder = store.get("saliency", facts | self.facts(task), make)
        scores = load_file(folder / "scores.safetensors", device=str(trainer.device))
        cost = Cost(**read_json(folder / "cost.json"))
        with cost.clock(trainer.device):
            free = threshold(self.ranked(scores, model), self.fraction)
        return Mask(free, self.mode, cost.seconds)

    def ranked(self, scores: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
        """The scores of the parameters that are ranked."""
        pattern = self.parameters or trained_by_default(model)
        return {name: score for name, score in scores.items() if re.search(pattern, name)}

    def made(self, task: HasLoss, store: Store, facts: dict[str, Any]) -> bool:
        """Whether the store has the scores (`facts` as for `build`)."""
        return store.find("saliency", facts | self.facts(task)) is not None

    def facts(self, task: HasLoss) -> dict[str, Any]:
        """What of these settings moves the scores."""
        facts = {"clip_norm": self.clip_norm, "guidance": self.guidance}
        if self.clip_norm is None and isinstance(task, Deterministic):
            return facts
        return facts | {"batch_size": self.batch_size}


def saliency(
    task: HasLoss,
    model: nn.Module,
    rows: np.ndarray,
    trainer: Trainer,
    batch_size: int,
    clip_norm: float | None = None,
    guidance: float | None = None,
) -> dict[str, Tensor]:
    """|Σ_i ∇_θ ℓ(θ; z_i)| over the rows, by parameter name, in eval mode and without augmentation.

    Signed gradients are summed first, the absolute value taken at the end (released code); the sign and the
    scale of the loss do not matter to the ranking, unless each batch's mean gradient is clipped.
    """
    loss = task.loss
    if guidance is not None:
        assert isinstance(task, HasGuidedLoss)  # its run has checked it
        loss = partial(task.guided_loss, guidance=guidance)
    model.eval()
    model.zero_grad()
    sums: dict[str, Tensor] = {}
    for number, batch in enumerate(trainer.batches(rows, batch_size)):
        trainer.seeded("saliency", number)
        with trainer.autocast():
            losses = loss(model, batch)
        (losses.sum() if clip_norm is None else losses.mean()).backward()
        if clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip_norm)
        for name, p in model.named_parameters():
            if p.grad is not None:
                sums[name] = sums[name] + p.grad if name in sums else p.grad
        model.zero_grad()
    return {name: total.abs() for name, total in sums.items()}


def threshold(scores: dict[str, Tensor], fraction: float) -> dict[str, Tensor]:
    """True for the `fraction` of all entries with the largest scores, over all tensors together.

    Exactly round(fraction · P) entries are true: ties at the threshold are kept in order of position.
    """
    flat = torch.cat([score.flatten() for score in scores.values()])
    keep = round(fraction * flat.numel())
    free = torch.zeros_like(flat, dtype=torch.bool)
    if keep:
        gamma = flat.kthvalue(flat.numel() - keep + 1).values
        free = flat > gamma
        ties = (flat == gamma).nonzero().squeeze(1)
        free[ties[: keep - int(free.sum())]] = True
    parts = free.split([score.numel() for score in scores.values()])
    return {name: part.view_as(score) for (name, score), part in zip(scores.items(), parts, strict=True)}
