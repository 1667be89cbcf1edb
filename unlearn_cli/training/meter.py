"""What a phase of training measures while it runs, without waiting for the device."""

from pathlib import Path

import torch
from torch import Tensor

from unlearn_cli.errors import Diverged
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.training.step import total


class Meter:
    """Sums of the loss terms since the epoch began, on the device, and the first step that was not finite."""

    def __init__(self, compute: Compute, sums: dict[str, Tensor] | None = None):
        self.compute = compute
        self.sums = dict(sums or {})
        """Of each term its sum and the number of steps that had it, (2,)."""
        self.first_bad = torch.full((), -1, dtype=torch.long, device=compute.device)

    def add(self, terms: dict[str, Tensor], measured: dict[str, Tensor], step: int) -> None:
        for name, value in (terms | measured).items():
            value = torch.stack([value.detach().float(), torch.ones_like(value, dtype=torch.float)])
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        if terms:
            bad = ~torch.isfinite(total(terms).detach()) & (self.first_bad < 0)
            self.first_bad = torch.where(bad, step, self.first_bad)

    def check(self, stage: str, epoch: int, checkpoint: Path) -> None:
        """Raise if any loss so far was NaN or infinite, on whichever process."""
        if bad := [step for step in self.compute.gather([int(self.first_bad)]) if step >= 0]:
            wider = ", or precision=bf16 with its range" if self.compute.precision == "fp16" else ""
            kept = f"; the last good checkpoint is {checkpoint}" if checkpoint.exists() else ""
            raise Diverged(
                f"the loss of '{stage}' is not finite at step {min(bad)} (epoch {epoch + 1}); "
                f"a smaller lr or clip_norm=1 may help{wider}{kept}"
            )

    def shared_sums(self) -> dict[str, Tensor]:
        """The sums, averaged over the processes."""
        return {name: self.compute.mean(value) for name, value in self.sums.items()}

    def means(self) -> dict[str, float]:
        return {f"loss/{name}": float(value / steps) for name, (value, steps) in self.shared_sums().items()}
