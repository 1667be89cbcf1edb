"""Class-conditional generation by diffusion: the second family of model."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.runtime.compute import unwrapped
from unlearn_cli.tasks.diffusion import Diffusion
from unlearn_cli.tasks.verbs.diffusion import GenerationVerbs


class Generation(Diffusion):
    """Diffusion models of images, conditioned on a class."""

    name: ClassVar[str] = "generation"

    other: Literal["next", "random"] = Field(
        description="the class of a wrong target: c + 1 (SalUn's code) or a random other one"
    )
    compat: Literal["paper", "release"] = Field(
        description="paper: all losses are means over a sample's elements; release: the denoising loss is "
        "their sum, the wrong target's a mean (SalUn's code: its alpha 1e-3 is 3.07 in like units)"
    )

    def facts(self) -> dict[str, Any]:
        """What of the task moves the training of an original."""
        return {"name": self.name, "compat": self.compat}

    def scale(self, batch: Batch) -> float:
        return batch.x[0].numel() if self.compat == "release" else 1.0

    def wrong_condition(self, model: nn.Module, batch: Batch, exclude_true: bool) -> Tensor:
        return self.other_class(batch.y, unwrapped(model).null, exclude_true)

    def other_class(self, labels: Tensor, classes: int, exclude_true: bool = True) -> Tensor:
        """c' for each label (B,)."""
        if self.other == "next":
            return (labels + 1) % classes
        lowest = 1 if exclude_true else 0
        return (labels + torch.randint(lowest, classes, labels.shape).to(labels.device)) % classes


_: type[GenerationVerbs] = Generation  # what it claims, mypy verifies
