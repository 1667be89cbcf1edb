"""What the benchmarks share: actions timed in turn, so that a shared machine disturbs all of them alike."""

import statistics
import time
from collections.abc import Callable

import torch


def interleaved(rounds: int, *actions: Callable[[], object]) -> list[list[float]]:
    """Each action's seconds in every round, after one round that does not count."""
    for action in actions:
        action()
    times = [[timed(action) for action in actions] for _ in range(rounds)]
    return [list(one) for one in zip(*times, strict=True)]


def show(name: str, one: list[float], other: list[float]) -> None:
    """Print the median of the rounds' ratios."""
    ratio = statistics.median(a / b for a, b in zip(one, other, strict=True))
    seconds = f"{statistics.median(one):.3f} s against {statistics.median(other):.3f} s"
    print(f"{name:56s} {ratio:6.3f}   ({seconds})", flush=True)


def timed(action: Callable[[], object]) -> float:
    """Seconds, until the device has done its work."""
    start = time.perf_counter()
    action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start
