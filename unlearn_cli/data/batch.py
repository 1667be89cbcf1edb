"""The one currency between data, trainer and tasks."""

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B images with labels, their rows in the data set, and whether each is to be forgotten."""

    x: Tensor
    """(B, C, H, W): uint8 as stored, float32 in [0, 1] once prepared."""
    y: Tensor
    """(B,) int64 class."""
    index: Tensor
    """(B,) int64 row of the data set."""
    forget: Tensor
    """(B,) bool: the row belongs to the forget set."""
    anchor: Tensor | None = None
    """(B,) int64 class that shall take the place of y: y itself in rows that stay. None: nothing is named."""
    smoothing: float = 0.0
    """Share of each label that is spread over all classes, while training (`Recipe.label_smoothing`)."""

    def __len__(self) -> int:
        return len(self.y)

    def select(self, which: Tensor | slice) -> "Batch":
        """The part of the batch named by a mask, by positions or by a slice."""
        anchor = None if self.anchor is None else self.anchor[which]
        part = {name: getattr(self, name)[which] for name in ("x", "y", "index", "forget")}
        return replace(self, **part, anchor=anchor)
