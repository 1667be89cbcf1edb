"""What an unlearning run costs: time (RTE), samples, passes, memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

import torch


@dataclass
class Cost:
    """Counters of one stage. `seconds` grows inside `clock()` and stands still inside `paused()`.

    A pass counts once for each sample, whatever model it is of; `samples` are those that were trained on.
    """

    seconds: float = 0.0
    steps: int = 0
    samples: int = 0
    forwards: int = 0
    backwards: int = 0

    def __post_init__(self) -> None:
        self._since: float | None = None

    @contextmanager
    def clock(self, device: torch.device) -> Iterator[None]:
        """Add the wall time of the block, the device synchronised at both ends."""
        self._since = _now(device)
        try:
            yield
        finally:
            self._settle(device)
            self._since = None

    @contextmanager
    def paused(self, device: torch.device) -> Iterator[None]:
        """A block inside `clock()` that does not count (monitoring, checkpoints), with `seconds` exact."""
        self._settle(device)
        try:
            yield
        finally:
            self._since = _now(device) if self._since is not None else None

    def _settle(self, device: torch.device) -> None:
        if self._since is not None:
            self.seconds += _now(device) - self._since

    def add(self, other: "Cost") -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def since(self, before: "Cost") -> "Cost":
        """What has been added since the counters stood at `before`."""
        return Cost(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(self)))

    def to_dict(self) -> dict[str, float]:
        return asdict(self)


def peak_memory_mb(device: torch.device) -> float:
    """Largest memory so far in MiB: the allocator's on a GPU, the process's resident set on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
