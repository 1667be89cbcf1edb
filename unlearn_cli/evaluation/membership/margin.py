"""φ: what attacks on single rows look at."""

import numpy as np
import torch
from torch import Tensor


def margins(logits: Tensor, labels: np.ndarray) -> np.ndarray:
    """z_y − logsumexp of all other logits, the logit of the own class's probability, (n,) float32.

    logits (n, C); labels (n,). Computed without the probability, which rounds to 1 (Carlini et al. 2022,
    arXiv:2112.03570, section VI.A).
    """
    own = torch.from_numpy(labels)[:, None]
    others = logits.double().scatter(1, own, -torch.inf).logsumexp(dim=1)
    return (logits.double().gather(1, own)[:, 0] - others).float().numpy()
