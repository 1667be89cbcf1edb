"""Optimiser and learning-rate schedule of one training phase, both PyTorch's own."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LambdaLR,
    LRScheduler,
    MultiStepLR,
    OneCycleLR,
    SequentialLR,
)
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import trained_by_default


class SignSGD(Optimizer):
    """θ ← θ − β·sign(∇_θ ℓ) (Bernstein et al., ICML 2018): no momentum, no weight decay."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if moved:
                signs = torch._foreach_sign([p.grad for p in moved])
                torch._foreach_add_(moved, signs, alpha=-group["lr"])


class Recipe(Settings):
    """How one phase of training runs: length, batch, optimiser, schedule."""

    epochs: int = Field(gt=0, description="passes over the phase's data")
    max_steps: int | None = Field(
        gt=0, description="the phase ends after so many steps, if not before; null = `epochs` alone say when"
    )
    lr: float = Field(gt=0, description="learning rate at the start (onecycle: at the peak)")
    batch_size: int = Field(gt=0, description="samples per step, over all processes together")
    optimizer: Literal["sgd", "adam", "adamw", "sign"] = Field(
        description="sign: lr · sign(gradient). Another optimiser wants another `lr`"
    )
    momentum: float = Field(ge=0, lt=1, description="of SGD; no other optimiser reads it")
    weight_decay: float = Field(
        ge=0,
        description="of all parameters; decoupled with adamw, part of the gradient with sgd and adam; sign "
        "has none",
    )
    schedule: Literal["constant", "cosine", "multistep", "onecycle"] = Field(
        description="the rate over the phase's steps: constant; cosine: falls to 0; multistep: times "
        "`decay` at each of `milestones`; onecycle: rises to `lr`, falls to almost 0"
    )
    milestones: list[Annotated[int, Field(gt=0)]] = Field(
        description="epochs after which the rate is multiplied by `decay` (multistep)"
    )
    decay: float = Field(gt=0, le=1, description="factor of the rate at a milestone (multistep)")
    warmup_epochs: int = Field(
        ge=0,
        description="epochs at `warmup_lr` before the schedule begins, which then runs as it would without "
        "them and is cut at the phase's end (Dassl's constant warm-up: CoOp and its kin)",
    )
    warmup_lr: float = Field(gt=0, description="learning rate of the warm-up")
    clip_norm: float | None = Field(
        gt=0, description="largest norm of the whole gradient; null = no clipping"
    )
    ema: float | None = Field(
        gt=0,
        lt=1,
        description="decay of the averaged weights kept, at most (1+t)/(10+t) at step t; null = none",
    )
    parameters: str | None = Field(
        description="a regular expression: the parameters whose names hold it are trained; null = all, of a "
        "CLIP all of its vision tower"
    )

    @field_validator("parameters")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"no regular expression ({error})") from error
        return pattern

    @field_validator("warmup_epochs")
    @classmethod
    def _warms_up_once(cls, epochs: int, info: ValidationInfo) -> int:
        if epochs and info.data.get("schedule") == "onecycle":
            raise ValueError("schedule=onecycle warms up by itself; choose 0")
        return epochs

    def trained_names(self, model: nn.Module, key: str = "parameters") -> list[str]:
        """Names of the parameters to train. InputError if there are none; `key`: of the setting."""
        names = [name for name, _ in model.named_parameters()]
        pattern = self.parameters or trained_by_default(model)
        found = [name for name in names if re.search(pattern, name)]
        if not found:
            raise InputError(
                f"{key}: no parameter's name holds '{self.parameters}'; "
                f"they are like {names[len(names) // 2]}"
            )
        return found

    def limited_steps(self, steps: list[int]) -> list[int]:
        """Steps of each epoch, as far as `max_steps` goes; the last epoch may be cut short."""
        if self.max_steps is None:
            return steps
        done = [sum(steps[:epoch]) for epoch in range(len(steps))]
        return [
            min(n, self.max_steps - before)
            for n, before in zip(steps, done, strict=True)
            if before < self.max_steps
        ]

    def make_optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        if self.optimizer == "sign":
            return SignSGD(parameters, self.lr)
        if self.optimizer == "sgd":
            return torch.optim.SGD(
                parameters, self.lr, momentum=self.momentum, weight_decay=self.weight_decay
            )
        kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
        return kind(parameters, self.lr, weight_decay=self.weight_decay)

    def make_schedule(self, optimizer: Optimizer, steps: list[int], done: int = 0) -> LRScheduler:
        """A schedule by step that has already made `done` steps; `steps[e]` = steps of epoch e."""
        total = sum(steps)
        schedule: LRScheduler
        if self.schedule == "cosine":
            schedule = CosineAnnealingLR(optimizer, total)
        elif self.schedule == "multistep":
            schedule = MultiStepLR(optimizer, [sum(steps[:epoch]) for epoch in self.milestones], self.decay)
        elif self.schedule == "onecycle":
            # total + 1: PyTorch counts the state after the last step as one more
            schedule = OneCycleLR(optimizer, self.lr, total + 1, cycle_momentum=False)
        else:
            schedule = ConstantLR(optimizer, factor=1.0)
        if self.warmup_epochs:
            share, first = self.warmup_lr / self.lr, sum(steps[: self.warmup_epochs])
            warmup = LambdaLR(optimizer, lambda step: share)
            schedule = SequentialLR(optimizer, [warmup, schedule], milestones=[first])
        optimizer._opt_called = True  # type: ignore[attr-defined]  # replaying needs no warning
        for _ in range(done):
            schedule.step()
        return schedule

    def make_ema(self, model: nn.Module) -> AveragedModel | None:
        if self.ema is None:
            return None
        largest = self.ema

        def average(averaged: Any, current: Any, count: Any) -> None:
            decay = min(largest, (1 + int(count)) / (10 + int(count)))  # else the first steps weigh for long
            get_ema_multi_avg_fn(decay)(averaged, current, count)

        return AveragedModel(model, multi_avg_fn=average, use_buffers=True)


class Training(Recipe):
    """The recipe of original and oracle: the group `train`."""

    seed: int | None = Field(
        default=None,
        ge=0,
        lt=2**63,
        description="seed of original and oracle: initial weights, order and augmentation of samples; "
        "null: `seed`",
    )
