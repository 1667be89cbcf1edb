"""FID and KID: how near drawn images are to real ones, as Inception-v3 sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.evaluation.diffusion.fidelity import distances

IMAGES = 128  # through Inception-v3 at once


class InceptionSettings(Settings):
    """The key of an evaluation that asks for FID and KID."""

    inception: bool | Path = Field(
        description="FID and KID of what is kept: true = torch-fidelity's Inception-v3, from its cache or "
        "the network; a path = its weights in a file"
    )

    def check_inception(self) -> None:
        """InputError if its weights are wanted and cannot be loaded."""
        if self.inception is not False:
            inception(self.inception_weights)

    def inception_metrics(
        self, data: ImageData, rows: np.ndarray, drawn: Tensor, seed: int, device: torch.device
    ) -> dict[str, float]:
        """`FID` and `KID` of drawn images (m, c, H, W) uint8 to the data's rows (n,); {} if not asked for."""
        if self.inception is False:
            return {}
        real = torch.stack([torch.from_numpy(data.image(row)) for row in rows]).permute(0, 3, 1, 2)
        return inception_distances(real, drawn, seed, self.inception_weights, device)

    @property
    def inception_weights(self) -> Path | None:
        """The file that was given, if one was."""
        return self.inception if isinstance(self.inception, Path) else None


def inception_distances(
    real: Tensor, drawn: Tensor, seed: int, weights: Path | None, device: torch.device
) -> dict[str, float]:
    """`FID` and `KID` of uint8 images (n, C, H, W) and (m, C, H, W), C = 1 or 3; see `distances`."""
    network = inception(weights).to(device)
    values = distances(_pooled(network, real), _pooled(network, drawn), seed)
    return {"FID": values["FD"], "KID": values["KD"]}


def inception(weights: Path | None) -> nn.Module:
    """FID's Inception-v3: uint8 images (n, 3, H, W) to a tuple of its pooled features (n, 2048), float32.

    weights: the file of pytorch-fid or torch-fidelity (they are the same); None = torch's cache, else a
    download. InputError if there is none or it is none of Inception-v3's.
    """
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3  # FID alone needs it

    try:
        if weights is not None:
            torch.load(weights, weights_only=True)  # torch-fidelity loads it with the right to run code
        return FeatureExtractorInceptionV3(
            "inception-v3-compat", ["2048"], feature_extractor_weights_path=weights
        )
    except Exception as error:  # of a file that holds none: in any way
        wrong = f"cannot load {weights}" if weights else "neither in torch's cache nor to be downloaded"
        reason = in_a_line(error)
        raise InputError(
            f"eval.inception: Inception-v3's weights: {wrong} ({reason}); "
            "give eval.inception=/path/to/pt_inception-2015-12-05-6726825d.pth or eval.inception=false"
        ) from error


@torch.inference_mode()
def _pooled(network: nn.Module, images: Tensor) -> Tensor:
    device = next(network.parameters()).device
    coloured = images.expand(-1, 3, -1, -1)
    return torch.cat([network(part.to(device))[0].cpu() for part in coloured.split(IMAGES)])
