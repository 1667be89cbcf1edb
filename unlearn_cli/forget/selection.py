"""What a search for a worst-case set has found, and its parts, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.training.checkpoint import read_checkpoint, write_checkpoint


@dataclass
class Selection:
    """How far the upper level has come. U units, each with a weight in [0, 1]; the weights sum to m."""

    weights: np.ndarray
    """(U,) float64: w, the present iterate."""
    scores: np.ndarray
    """(U,) float64: the mean of the iterates, or the last: how hard each unit is to forget."""
    total_losses: np.ndarray
    """(U,) float64: sums of ℓ(θ_u(w); z) over the upper iterations, in the task's units."""
    trajectory: list[dict[str, float]] = field(default_factory=list)
    """A row for each upper iteration."""
    cost: dict[str, Any] = field(default_factory=dict)
    best: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """(m,) positions of the set of the smallest F among those that w was the indicator of; empty before."""
    best_iteration: int = 0
    """The upper iteration (from 1) that measured its F; 0 before."""

    @property
    def row(self) -> dict[str, float]:
        """The iteration that measured the best set; the last one where there is no such set."""
        return self.trajectory[self.best_iteration - 1]

    @property
    def mean_losses(self) -> np.ndarray:
        """(U,): mean of ℓ(θ_u(w); z) over the upper iterations."""
        return self.total_losses / max(1, len(self.trajectory))

    def top(self, count: int, mode: str = "worst") -> np.ndarray:
        """`count` positions: the best set first, then by score, largest first, and by the loss so far."""
        ties = -self.total_losses if mode == "easiest" else self.total_losses
        return np.lexsort((ties, -self.scores, -indicator(self.best, len(self.scores))))[:count]

    def save(self, file: Path) -> None:
        """Replace the file by this state."""
        names = ("weights", "scores", "total_losses", "best")
        tensors = {name: torch.from_numpy(getattr(self, name)) for name in names}
        plain = {"best_iteration": self.best_iteration, "trajectory": self.trajectory, "cost": self.cost}
        write_checkpoint(file, tensors | plain, _of(len(self.weights)))

    @classmethod
    def load(cls, file: Path) -> Selection:
        """The state in a file that is whole."""
        return cls._of_content(torch.load(file, weights_only=True))

    @classmethod
    def resumed(cls, file: Path, there: int) -> Selection | None:
        """The state in the file, of so many units; None if there is none (a damaged file goes aside)."""
        content = read_checkpoint(file, _of(there))
        return None if content is None else cls._of_content(content)

    @classmethod
    def _of_content(cls, content: dict[str, Any]) -> Selection:
        own = {name: value for name, value in content.items() if name in cls.__dataclass_fields__}
        arrays: dict[str, Any] = {k: v.numpy() for k, v in own.items() if isinstance(v, Tensor)}
        return cls(**own | arrays)


def _of(there: int) -> str:
    return f"a selection among {there} units"


class ValueShare(NamedTuple):
    """The rows that have one value of one column."""

    value: str
    selected: int
    all: int
    share_of_selected: float
    share_of_all: float

    @property
    def difference(self) -> float:
        """How much larger a part of the selected rows it is than of all rows."""
        return self.share_of_selected - self.share_of_all


class UnitExample(NamedTuple):
    """An image (H, W, C) uint8 that stands for a unit."""

    name: str
    image: np.ndarray
    selected: bool


def indicator(positions: np.ndarray, there: int) -> np.ndarray:
    """(there,) float64: 1 at the positions."""
    weights = np.zeros(there)
    weights[positions] = 1
    return weights
