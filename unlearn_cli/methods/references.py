"""Original and oracle as trained models."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from unlearn_cli.methods.base import Method
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain


@dataclass(frozen=True)
class Origin:
    """A model before any unlearning, and the record of its training."""

    model: nn.Module
    key: str
    """Its entry in the store."""
    seed: int
    """Of its training."""
    cost: dict[str, float]
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class References:
    """The models that a run starts from and is compared with."""

    original: Origin
    oracle: Origin | None

    def of(self, method: Method) -> Origin | None:
        """The one that the method stands for, if it is one of the two."""
        if isinstance(method, Retrain):
            return self.oracle
        return self.original if isinstance(method, Original) else None
