"""A class-conditional DDPM as people train it elsewhere: plain diffusers, nothing of this program."""

from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from sklearn.datasets import load_digits
from torch import Tensor


def unet(classes: int = 10, null: int = 1, **changes: Any) -> UNet2DModel:
    """For digits of 8 x 8 pixels; null: how many classes are added to those."""
    torch.manual_seed(0)
    shape = {
        "sample_size": 8,
        "in_channels": 1,
        "out_channels": 1,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 4,
        "norm_num_groups": 4,
        "num_class_embeds": classes + null,
    }
    return UNet2DModel(**shape | changes)


def trained(folder: Path, steps: int = 5, **of_scheduler: Any) -> DDPMPipeline:
    """A few steps on the digits, saved as a pipeline."""
    net, noising = unet(), DDPMScheduler(beta_schedule="squaredcos_cap_v2", **of_scheduler)
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 8 - 1  # in [-1, 1]
    optimiser = torch.optim.Adam(net.parameters(), 1e-3)
    for step in range(steps):
        rows = slice(32 * step, 32 * (step + 1))
        noise, t = torch.randn_like(images[rows]), torch.randint(1000, (32,))
        predicted = predict(net, noising.add_noise(images[rows], noise, t), t, digits.target[rows])
        optimiser.zero_grad()
        F.mse_loss(predicted, noise).backward()
        optimiser.step()
    pipeline = DDPMPipeline(net, noising)
    pipeline.save_pretrained(folder)
    return pipeline


def predict(net: Any, x: Tensor, t: Tensor, classes: Any) -> Tensor:
    return net(x, t, class_labels=torch.as_tensor(classes)).sample
