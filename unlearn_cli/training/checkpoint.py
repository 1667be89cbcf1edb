"""The checkpoint from which an interrupted phase of training goes on, bit for bit on a CPU."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from unlearn_cli.config.hashing import key_of
from unlearn_cli.errors import RunError, in_a_line
from unlearn_cli.storage.files import Damaged, replacing, set_aside
from unlearn_cli.training.best import Best
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.lookahead import Lookahead
from unlearn_cli.training.step import Companion

OF = "of"


@dataclass
class State:
    """How far a phase has come: steps done, history rows, sums of the running epoch's loss terms."""

    step: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    sums: dict[str, Tensor] = field(default_factory=dict)


@dataclass(eq=False)
class Checkpoint:
    """Model, optimiser, averaged and slow weights and counters of one phase in one file, replaced atomically.

    Orders and random numbers are functions of (seed, stage, step), so they need no state of their own;
    the schedule is replayed from the step.
    """

    path: Path
    model: nn.Module
    optimizer: Optimizer
    scaler: GradScaler
    averaged: AveragedModel | None
    lookahead: Lookahead | None
    cost: Cost
    companion: Companion | None = None
    best: Best | None = None

    def __post_init__(self) -> None:
        self.before = replace(self.cost)  # phases that came earlier have checkpoints of their own
        self._optimizer_state: dict | None = None

    def save(self, step: int, history: list[dict], sums: dict[str, Tensor]) -> None:
        content = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "averaged": self.averaged.state_dict() if self.averaged else None,
            "lookahead": self.lookahead.state_dict() if self.lookahead else None,
            "companion": self.companion.state_dict() if self.companion else None,
            **({"best": self.best.state_dict()} if self.best else {}),
            "cost": self.cost.since(self.before).to_dict(),
            "step": step,
            "history": history,
            "sums": sums,
        }
        write_checkpoint(self.path, content, self._of())

    def load(self, device: torch.device) -> State:
        """Put back model, averaged weights and cost; a fresh `State` if there is no such checkpoint."""
        content = read_checkpoint(self.path, self._of(), device)
        if content is None:
            return State()
        self.model.load_state_dict(content["model"])
        if self.averaged:
            self.averaged.load_state_dict(content["averaged"])
        if self.lookahead:
            self.lookahead.load_state_dict(content["lookahead"])
        if self.companion:
            self.companion.load_state_dict(content["companion"])
        if self.best:
            self.best.load_state_dict(content["best"])
        self.scaler.load_state_dict(content["scaler"])
        self.cost.add(Cost(**content["cost"]))
        self._optimizer_state = content["optimizer"]
        return State(content["step"], content["history"], content["sums"])

    def restore_optimizer(self) -> None:
        """After the schedule was replayed: momentum and the rate as they were."""
        if self._optimizer_state:
            self.optimizer.load_state_dict(self._optimizer_state)

    def _of(self) -> str:
        """Tells the phases to which this checkpoint's tensors belong from others."""
        kinds = ("model", "averaged", "lookahead", "companion")
        parts = {kind: getattr(self, kind) for kind in kinds}
        tensors = {name: _shapes(part.state_dict()) for name, part in parts.items() if part is not None}
        groups = [len(group["params"]) for group in self.optimizer.param_groups]
        return key_of({"tensors": tensors, "optimizer": type(self.optimizer).__name__, "groups": groups})


def _shapes(state: Mapping[str, Any]) -> list[Any]:
    return [[name, list(value.shape)] for name, value in state.items() if isinstance(value, Tensor)]


def write_checkpoint(path: Path, content: dict[str, Any], of: str) -> None:
    """Tensors and plain values, for `torch.load(weights_only=True)`. RunError if the disk is full.

    of: tells the work that it is a part of from any other.
    """
    # a file of our own: it is closed, and its space free again, however torch fails
    with replacing(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content | {OF: of}, file)
        except RuntimeError as error:  # of C++, in place of what the file system said
            reason = str(error.__context__ or error).splitlines()[0]
            raise RunError(f"{path}: cannot write it ({reason}); is the disk full?") from error


def read_checkpoint(path: Path, of: str, device: torch.device | str = "cpu") -> dict[str, Any] | None:
    """What `write_checkpoint` wrote; None if there is none, or a damaged or foreign one, then set aside.

    The file is a zip archive, whose checksums torch does not look at.
    """
    if not path.exists():
        return None
    try:
        if path.is_file() and not path.stat().st_size:
            raise Damaged("it is empty")
        with zipfile.ZipFile(path) as archive:
            if wrong := archive.testzip():
                raise Damaged(f"{wrong} has changed")
        content = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(content, dict) or content.pop(OF, None) != of:
            raise Damaged("of other work, or of another version of unlearn")
    except PermissionError:
        raise
    except Exception as error:  # what is no such archive may fail in any way
        set_aside(path, in_a_line(error), "checkpoint")
        return None
    return content
