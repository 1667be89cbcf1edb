"""Dense steering: one direction of the activations is taken out, without any autoencoder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field
from safetensors import safe_open
from torch import Tensor, nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.methods.vlm.intervention import Intervention, InterventionTask, Trial
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.sae.attachment import Attachment, attach
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.training.trainer import Trainer


class DenseSteering(Intervention):
    """x ← x − α·(x − m)·A·B, the control that a claim about sparse features has to beat.

    difference: A = uᵀ, B = u, u = (m⁺ − m)/‖m⁺ − m‖ of the mean activations m⁺ on the concept and m on other
    images. leace: the least change after which no linear map tells the concept (Belrose et al., 2023).
    """

    direction: Literal["difference", "leace"] = Field(
        description="what is taken out: difference, of the mean activations; leace, what a linear map "
        "could tell the concept by"
    )
    alpha: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        min_length=1, description="α that are tried; 1 takes the direction out"
    )

    @torch.no_grad()
    def trials(
        self,
        task: InterventionTask,
        model: VisionLanguage,
        concept: Substitution,
        layer: str,
        sets: Sets,
        trainer: Trainer,
    ) -> Iterator[tuple[dict[str, Any], nn.Module]]:
        seen = self.example_rows(concept, sets, trainer)
        passes = {
            name: (x.flatten(0, -2) for x in self.activations(model, layer, rows, trainer))
            for name, rows in seen.items()
        }
        centre, left, right = (self.difference if self.direction == "difference" else self.leace)(**passes)
        for alpha in self.alpha:
            yield {"alpha": alpha}, Erasure(centre, alpha * left, right)

    def difference(self, on: Iterator[Tensor], off: Iterator[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """m (d,), A (d, 1), B (1, d), of activations (n, d)."""
        with_it, without = mean(on), mean(off)
        direction = (with_it - without) / (with_it - without).norm()
        return without, direction[:, None], direction[None]

    def leace(self, on: Iterator[Tensor], off: Iterator[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """The same of LEACE, whose centre is the mean of all."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch.jit.script, by which it compiles itself
            from concept_erasure import LeaceFitter
        fitter: Any = None
        for x, label in ((x, label) for label, part in ((1.0, on), (0.0, off)) for x in part):
            fitter = fitter or LeaceFitter(x.shape[1], 1, device=x.device, dtype=torch.float64)
            fitter.update(x.double(), torch.full((len(x), 1), label, dtype=torch.float64, device=x.device))
        eraser = fitter.eraser
        return eraser.bias.float(), eraser.proj_right.mT.float(), eraser.proj_left.mT.float()

    def save(self, path: Path, trial: Trial, model: VisionLanguage) -> None:
        tensors = {name: value.cpu().contiguous() for name, value in trial.module.state_dict().items()}
        write_tensors(path, tensors, {"facts": json.dumps(trial.described)})

    def attached(self, model: VisionLanguage, path: Path, layer: str | None = None) -> Attachment:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            module = Erasure(*(file.get_tensor(name) for name in ("centre", "left", "right")))
        name = layer or facts["layer"]
        return attach(model.net, name, module, model.leading(name), "last")


class Erasure(nn.Module):
    """−(x − m)·A·B, to be added to x. centre: m (d,); left: A (d, r); right: B (r, d)."""

    centre: Tensor
    left: Tensor
    right: Tensor

    def __init__(self, centre: Tensor, left: Tensor, right: Tensor):
        super().__init__()
        for name, value in (("centre", centre), ("left", left), ("right", right)):
            # of one layout and alignment, found or read from a file: the bits of a product depend on both
            self.register_buffer(name, value.clone(memory_format=torch.contiguous_format))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, d) -> (B, T, d). InputError for another d."""
        if x.shape[-1] != len(self.centre):
            raise InputError(
                f"made for activations of length {len(self.centre)}, the layer's have {x.shape[-1]}"
            )
        return -((x - self.centre) @ self.left) @ self.right

    def extremes(self) -> tuple[Erasure, Erasure]:
        """None of the direction; ten times as much of it."""
        nothing, more = (Erasure(self.centre, times * self.left, self.right) for times in (0, 10))
        return nothing, more

    def moves(self, x: Tensor) -> Tensor:
        """(B, T) bool: all."""
        return torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)


def mean(parts: Iterator[Tensor]) -> Tensor:
    """(d,) of activations (n, d)."""
    total, count = torch.zeros(()), 0
    for x in parts:
        total, count = total.to(x.device) + x.sum(0, dtype=torch.double), count + len(x)
    return (total / count).float()
