"""The most memory that a measurement took: the allocator's on a GPU, the process's on a CPU."""

import torch

from unlearn_cli.training.cost import peak_memory_mb


def fresh_memory(device: torch.device) -> None:
    """From here on (on a CPU the process's peak stays)."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def gigabytes(device: torch.device) -> float:
    """In GiB."""
    return peak_memory_mb(device) / 2**10
