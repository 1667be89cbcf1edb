"""How near samples are to real images: Fréchet and kernel distance, precision and recall of features."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from unlearn_cli.errors import InputError

SUBSETS, SUBSET_SIZE = 50, 1000  # of the kernel distance (Bińkowski et al., ICLR 2018, their code)
NEIGHBOURS = 3  # Kynkäänniemi et al., NeurIPS 2019
IMAGES = 128  # through Inception-v3 at once
WORKING_MEMORY = 256  # MiB of pairwise distances at once


class Given(nn.Module):
    """Hands features through: torchmetrics computes its distances on what a network has seen already."""

    def __init__(self, width: int):
        super().__init__()
        self.num_features = width

    def forward(self, features: Tensor) -> Tensor:
        return features


def distances(real: Tensor, drawn: Tensor, seed: int) -> dict[str, float]:
    """Fréchet and kernel distance, `FD` and `KD`, of features (n, F) and (m, F); n, m ≥ 2.

    FD = ‖μ − μ'‖² + tr(Σ + Σ' − 2(ΣΣ')^½) (Heusel et al., NeurIPS 2017). KD = unbiased squared MMD with the
    kernel (xᵀy / F + 1)³, mean over random subsets (Bińkowski et al., ICLR 2018); `seed` draws them and
    torch's generators are left as they were.
    """
    # Every run reads the MEANINGS above; only this one has to wait seconds for torchmetrics.
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    features = {True: real.cpu().double(), False: drawn.cpu().double()}
    size = min(len(real), len(drawn), SUBSET_SIZE)
    subsets = 1 if size == max(len(real), len(drawn)) else SUBSETS  # one subset may hold all there is
    given = Given(real.shape[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer")
        kernel = KernelInceptionDistance(given, subsets=subsets, subset_size=size)
    frechet = FrechetInceptionDistance(given)
    for is_real, rows in features.items():
        frechet.update(rows, real=is_real)
        kernel.update(rows, real=is_real)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the devices too
        kernel_distance = float(kernel.compute()[0])
    return {"FD": max(0.0, float(frechet.compute())), "KD": kernel_distance}  # equal sets round to below 0


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
    except (OSError, RuntimeError, pickle.UnpicklingError) as error:
        wrong = f"cannot load {weights}" if weights else "neither in torch's cache nor to be downloaded"
        reason = str(error).strip().partition("\n")[0]
        raise InputError(
            f"eval.inception: Inception-v3's weights: {wrong} ({reason}); "
            "give eval.inception=/path/to/pt_inception-2015-12-05-6726825d.pth or eval.inception=false"
        ) from error


@torch.inference_mode()
def _pooled(network: nn.Module, images: Tensor) -> Tensor:
    device = next(network.parameters()).device
    coloured = images.expand(-1, 3, -1, -1)
    return torch.cat([network(part.to(device))[0].cpu() for part in coloured.split(IMAGES)])


def precision_recall(real: Tensor, drawn: Tensor) -> dict[str, float]:
    """Share of samples within reach of a real image, and the reverse, in percent (Kynkäänniemi et al. 2019).

    A point's reach is the distance to its third nearest neighbour in its own set. Features (n, F), (m, F),
    n, m ≥ 4.
    """
    mean = real.double().mean(dim=0)  # distances near 0 are exact to rounding times the norm
    x, y = ((features.double() - mean).numpy() for features in (real, drawn))
    reach_x, reach_y = _reach(x), _reach(y)
    precise, recalled = np.zeros(len(y), dtype=bool), np.zeros(len(x), dtype=bool)
    start = 0
    for distance in pairwise_distances_chunked(x, y, working_memory=WORKING_MEMORY):
        rows = slice(start, start + len(distance))
        precise |= (distance <= reach_x[rows, None]).any(axis=0)
        recalled[rows] = (distance <= reach_y).any(axis=1)
        start = rows.stop
    return {"precision": 100 * float(precise.mean()), "recall": 100 * float(recalled.mean())}


def _reach(points: np.ndarray) -> np.ndarray:
    distance, _ = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(points).kneighbors()  # itself left out
    # Rounding must not part duplicates, whose reach is 0.
    return distance[:, -1] + 1e-6 * np.sqrt((points**2).sum(axis=1).max())
