"""Randomness as a function of names and counters.

Every random draw in a run follows a call of `seed_all(seed, stage, step)` or comes from `rng(...)`.
No generator state is ever saved: a resumed run seeds step k as the first run did, hence is identical.
"""

import hashlib
import random
from functools import cache

import numpy as np
import torch


def fold(*parts: object) -> int:
    """A 63-bit seed from any printable parts, equal on every machine: fold(0, "unlearn", 17)."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def rng(*parts: object) -> np.random.Generator:
    """A NumPy generator of its own for `parts` (orders, splits, forget sets)."""
    return np.random.default_rng(fold(*parts))


def seed_all(*parts: object) -> None:
    """Seed torch (CPU and CUDA), NumPy and Python from `parts`."""
    seed = fold(*parts)
    torch.default_generator.manual_seed(seed)
    if _has_cuda():  # torch.manual_seed asks every kind of device that there is none of, at every step
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


@cache
def _has_cuda() -> bool:
    return torch.cuda.is_available()
