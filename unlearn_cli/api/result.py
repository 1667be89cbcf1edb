"""What a finished run has found, typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Result:
    """Numbers by metric; what each means and its unit: docs/reference/metrics.md."""

    method: str
    seed: int
    metrics: Mapping[str, float]
    original: Mapping[str, float]
    """The metrics of the model before unlearning."""
    oracle: Mapping[str, float] | None
    """Those of the model retrained without what is forgotten; None: the run is not compared with one."""
    floor: Mapping[str, float] | None
    """Mean gap of one oracle to another, by metric; None of one oracle (`oracle.count`)."""
    gap: Mapping[str, float] | None
    """|method − oracle| of each metric."""
    avg_gap: float | None
    cost: Mapping[str, float]
    warnings: list[str]
    folder: Path
    """The run's own, absolute."""
    raw: dict[str, Any] = field(repr=False)
    """All of metrics.json."""

    @classmethod
    def of(cls, raw: dict[str, Any], folder: Path) -> "Result":
        """metrics.json of the run in `folder`."""
        names = ("method", "seed", "metrics", "original", "oracle", "gap", "avg_gap", "cost", "warnings")
        found = {name: raw[name] for name in names}
        return cls(**found, floor=raw.get("floor"), folder=folder.absolute(), raw=raw)

    def load(self) -> "nn.Module":
        """The unlearned model, see `unlearn_cli.load`."""
        from unlearn_cli.api.loading import load

        return load(self.folder)

    def to_markdown(self) -> str:
        """The table that ends a run."""
        from unlearn_cli.compare.table import to_markdown

        paper = {metric: mean for metric, (mean, _) in (self.raw["expected"] or {}).items()}
        return to_markdown(self.method, self.raw, paper)

    def _repr_markdown_(self) -> str:
        """For notebooks."""
        return self.to_markdown()
