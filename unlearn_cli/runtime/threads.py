"""Threads of PyTorch on a CPU. What the environment says (OMP_NUM_THREADS) already stands."""

import os
from functools import cache

import torch

from unlearn_cli.runtime.cpu import granted_cores


@cache
def most() -> int:
    """What PyTorch takes by itself, of the cores that are granted; asked before anything takes fewer."""
    return min(torch.get_num_threads(), granted_cores())


def take(threads: int) -> None:
    """From now on, in this process."""
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(threads)
