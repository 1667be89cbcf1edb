"""How near samples are to real images: Fréchet and kernel distance, precision and recall of features."""

import warnings

import numpy as np
import torch
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

SUBSETS, SUBSET_SIZE = 50, 1000  # of the kernel distance (Bińkowski et al., ICLR 2018, their code)
NEIGHBOURS = 3  # Kynkäänniemi et al., NeurIPS 2019
WORKING_MEMORY = 256  # MiB of pairwise distances at once


class PassThrough(nn.Module):
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
    # Only this function has to wait seconds for torchmetrics.
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    features = {True: real.cpu().double(), False: drawn.cpu().double()}
    size = min(len(real), len(drawn), SUBSET_SIZE)
    subsets = 1 if size == max(len(real), len(drawn)) else SUBSETS  # one subset may hold all there is
    pass_through = PassThrough(real.shape[1])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer")
        kernel = KernelInceptionDistance(pass_through, subsets=subsets, subset_size=size)
    frechet = FrechetInceptionDistance(pass_through)
    for is_real, rows in features.items():
        frechet.update(rows, real=is_real)
        kernel.update(rows, real=is_real)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed the devices too
        kernel_distance = float(kernel.compute()[0])
    return {"FD": max(0.0, float(frechet.compute())), "KD": kernel_distance}  # equal sets round to below 0


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
