"""A diffusion model of images whose condition is a class, on diffusers' `UNet2DModel`."""

import copy
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMPipeline, DDPMScheduler
from diffusers.utils import logging as diffusers_logging
from torch import Tensor

from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.own_weights import KEY


class ClassConditional(Denoiser):
    """The condition is a class; one more than the data have is `null`. States are images in [-1, 1]."""

    def __init__(self, unet: Any, process: Any, classes: int, label_drop: float, has_null: bool = True):
        super().__init__(process, null=classes, label_drop=label_drop if has_null else 0.0)
        self.unet = unet
        self.has_null = has_null

    def predict(self, x: Tensor, t: Tensor, conditioning: Tensor) -> Tensor:
        return self.unet(x, t, class_labels=conditioning).sample

    def save(self, folder: Path) -> None:
        """As `DDPMPipeline.from_pretrained` reads it, in fp32."""
        pipeline: Any = DDPMPipeline(self.alone(), DDPMScheduler.from_config(self.process.config))
        diffusers_logging.disable_progress_bar()
        pipeline.save_pretrained(folder)

    def alone(self) -> Any:
        """The UNet as diffusers has it: on the CPU, in the plain layout."""
        return copy.deepcopy(self.unet).cpu().to(memory_format=torch.contiguous_format)


def knows_null(known: int, classes: int, told: str) -> bool:
    """Whether weights that know so many classes know one beyond the data's, which then is null.

    InputError: they know fewer or more. told: what the weights are, for the message.
    """
    if known in (classes, classes + 1):
        return known == classes + 1
    raise InputError(
        f"{KEY}: {told} knows {known} classes, and the data have {classes}; give data with a folder (or a "
        "label) for each of the model's classes, of which the last may be none (the null class of guidance)"
    )
