"""What a part of the check is: a module of scripts/gpu/parts/ that measures numbers, one after another."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

TINY = ("data.subset=0.2", "model.depth=8", "model.width=8", "train.epochs=2", "method.epochs=1")
"""Words of a run of digits that a CPU makes in seconds."""


class Row(BaseModel):
    """A number."""

    what: str
    value: float
    unit: str


class Wanted(BaseModel):
    """What is asked of every part."""

    tiny: bool = False
    """In sizes that a CPU does in seconds: they try the code and say nothing of speed."""
    data: Path | None = None
    """CIFAR-10 on the disk."""


class NotHere(Exception):
    """The part does not fit this machine; says why."""


class Part(Protocol):
    """Such a module."""

    def measure(self, wanted: Wanted) -> Iterator[Row]:
        """Raises NotHere: the machine lacks what it needs."""
