"""A fixed autoencoder for tiny images: blocks of pixels become channels, nothing is learnt or lost.

This file is copied into pipelines that are saved, for processes without `unlearn`: it needs diffusers alone.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from torch import Tensor, nn

CERTAIN = -30.0  # log-variance of a posterior that is a point


class PixelUnshuffle(ModelMixin, ConfigMixin):
    """(B, 3, H, W) in [-1, 1] to latents (B, 12, H/2, W/2) and back, with the interface of `AutoencoderKL`.

    No class of diffusers does this: all of them normalise, and scale up by repeating pixels.
    """

    @register_to_config
    def __init__(
        self,
        block_out_channels: tuple[int, ...] = (12, 12),
        latent_channels: int = 12,
        in_channels: int = 3,
        scaling_factor: float = 1.0,
        force_upcast: bool = False,
    ):
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))  # diffusers asks a model's parameters for dtype and device

    @property
    def block(self) -> int:
        """Pixels of a block's side."""
        config: Any = self.config
        return 2 ** (len(config.block_out_channels) - 1)

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput:
        mean = F.pixel_unshuffle(x, self.block)
        moments = torch.cat([mean, torch.full_like(mean, CERTAIN)], dim=1)
        return AutoencoderKLOutput(latent_dist=DiagonalGaussianDistribution(moments))

    def decode(self, z: Tensor, return_dict: bool = True, generator: object = None) -> DecoderOutput | tuple:
        images = F.pixel_shuffle(z, self.block)
        return DecoderOutput(sample=images) if return_dict else (images,)


def add_code(pipeline: Path) -> None:
    """To a saved pipeline, in the hub's form: `from_pretrained(FOLDER, trust_remote_code=True)` runs it."""
    shutil.copy(__file__, pipeline / "vae")
    index = pipeline / "model_index.json"
    content = json.loads(index.read_text(encoding="utf-8"))
    content["vae"] = [Path(__file__).stem, PixelUnshuffle.__name__]
    index.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
