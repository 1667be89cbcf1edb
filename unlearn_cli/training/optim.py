"""Optimiser and learning-rate schedule of one training phase, both PyTorch's own."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, ValidationInfo, field_validator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
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
from unlearn_cli.training.lookahead import Lookahead

NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)


class SignSGD(Optimizer):
    """θ ← θ − β·sign(∇_θ ℓ) (Bernstein et al., ICML 2018): no momentum, no weight decay."""

    def __init__(self, parameters: Iterable[nn.Parameter] | list[dict[str, Any]], lr: float):
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            if moved:
                signs = torch._foreach_sign([p.grad for p in moved])
                torch._foreach_add_(moved, signs, alpha=-group["lr"])


def triangle(share: float) -> float:
    """Factor of the rate when this share of the steps is done (cifar10-airbench's)."""
    if share < 0.23:
        return 0.2 + 0.8 * share / 0.23
    return 1 - 0.93 * (share - 0.23) / 0.77


def peaks(optimizer: Optimizer) -> list[float]:
    """The rate of each group."""
    return [group["lr"] for group in optimizer.param_groups]


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
    nesterov: bool = Field(description="Nesterov's momentum; needs `momentum`")
    weight_decay: float = Field(
        ge=0,
        description="of all parameters; decoupled with adamw, part of the gradient with sgd and adam; sign "
        "has none",
    )
    bias_lr_factor: float = Field(
        gt=0,
        description="biases of norms learn at so many times the rate, and decay as ever",
    )
    schedule: Literal["constant", "cosine", "multistep", "onecycle", "triangle"] = Field(
        description="the rate over the phase's steps: constant; cosine: falls to 0; multistep: times "
        "`decay` at each of `milestones`; onecycle: rises to `lr`, falls to almost 0; triangle: rises in a "
        "straight line from a fifth of `lr` to it in 23 % of the steps, falls in one to 7 %"
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
    lookahead: float | None = Field(
        gt=0,
        lt=1,
        description="every fifth step the weights go back to a slow copy of theirs that has taken a part of "
        "what they learnt: 1 − d⁵·(share of the steps done)³; the phase ends with that copy. This is d; null "
        "= none",
    )
    ema: float | None = Field(
        gt=0,
        lt=1,
        description="decay of the averaged weights kept, at most (1+t)/(10+t) at step t; null = none",
    )
    label_smoothing: float = Field(
        ge=0,
        lt=1,
        description="share of each label that is spread evenly over all classes, of classifiers and CLIPs",
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
        if epochs and (schedule := info.data.get("schedule")) in ("onecycle", "triangle"):
            raise ValueError(f"schedule={schedule} warms up by itself; choose 0")
        return epochs

    @field_validator("nesterov")
    @classmethod
    def _has_momentum(cls, nesterov: bool, info: ValidationInfo) -> bool:
        if nesterov and not (info.data.get("optimizer") == "sgd" and info.data.get("momentum")):
            raise ValueError("only SGD with momentum has Nesterov's; choose false")
        return nesterov

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

    def parameter_groups(self, model: nn.Module, named: Mapping[str, nn.Parameter]) -> list[dict[str, Any]]:
        """The model's parameters as optimisers take them; biases of norms apart where they have a rate of
        their own."""
        if self.bias_lr_factor == 1:
            return [{"params": list(named.values())}]
        quick = {id(module.bias) for module in model.modules() if isinstance(module, NORMS)}
        others = {"params": [p for p in named.values() if id(p) not in quick]}
        biases = {
            "params": [p for p in named.values() if id(p) in quick],
            "lr": self.lr * self.bias_lr_factor,
            "weight_decay": self.weight_decay / self.bias_lr_factor,
        }
        return [group for group in (others, biases) if group["params"]]

    def make_optimizer(self, parameters: Iterable[nn.Parameter] | list[dict[str, Any]]) -> Optimizer:
        """Of parameters, or of `parameter_groups`."""
        if self.optimizer == "sign":
            return SignSGD(parameters, self.lr)
        if self.optimizer == "sgd":
            return torch.optim.SGD(
                parameters,
                self.lr,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
                nesterov=self.nesterov,
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
            schedule = OneCycleLR(optimizer, peaks(optimizer), total + 1, cycle_momentum=False)
        elif self.schedule == "triangle":
            schedule = LambdaLR(optimizer, lambda step: triangle(step / total))
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

    def make_lookahead(self, model: nn.Module, steps: int) -> Lookahead | None:
        """steps: of the whole phase."""
        return None if self.lookahead is None else Lookahead(model, self.lookahead, steps)

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
