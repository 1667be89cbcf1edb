"""LPIPS: how far images are from those that the original model draws from the same noise."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from unlearn_cli.errors import InputError, in_a_line

SIDE = 64  # pixels, as in ESD (Gandikota et al., ICCV 2023)
IMAGES = 256  # through AlexNet at once


def lpips_metrics(
    images: Tensor, originals: Tensor, is_forgotten: np.ndarray, device: torch.device
) -> dict[str, float]:
    """`LPIPS_forget` and `LPIPS_retain`: means over pairs of images (n, 3, H, W) uint8 of equal noise.

    is_forgotten: (n,) bool, of a forgotten prompt. Both are scaled to 64 × 64 (Zhang et al., CVPR 2018;
    ESD's size).
    """
    forgotten = torch.from_numpy(is_forgotten)
    values = {}
    for part, which in {"forget": forgotten, "retain": ~forgotten}.items():
        if which.any():
            metric = network().to(device)
            pairs = zip(images[which].split(IMAGES), originals[which].split(IMAGES), strict=True)
            for one, other in pairs:
                metric.update(_scaled(one, device), _scaled(other, device))
            values[f"LPIPS_{part}"] = float(metric.compute())
    return values


def network() -> Any:
    """torchmetrics' LPIPS of AlexNet. InputError: AlexNet is not in torch's cache nor to be downloaded."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity  # only this metric waits for it

    try:
        return LearnedPerceptualImagePatchSimilarity(net_type="alex", normalize=True)
    except (OSError, RuntimeError) as error:
        raise InputError(
            "eval.lpips: AlexNet's weights are neither in torch's cache nor to be downloaded "
            f"({in_a_line(error)}); fetch them once where there is a network, or eval.lpips=false"
        ) from error


def _scaled(images: Tensor, device: torch.device) -> Tensor:
    """In [0, 1]; made smaller by means over areas."""
    mode = "area" if min(images.shape[-2:]) > SIDE else "bilinear"
    return interpolate(images.to(device).float() / 255, size=(SIDE, SIDE), mode=mode)
