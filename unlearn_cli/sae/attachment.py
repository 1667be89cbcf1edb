"""Modules at work on the output of a model's layer: a hook, which leaves all weights alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from unlearn_cli.errors import InputError, RunError, did_you_mean
from unlearn_cli.models.layer_output import main_output, with_main_output

TOLERANCE = 1e-6

Channels = Literal["first", "last"]
"""Where an output of four dimensions has its channels: a map (B, d, H, W), or (B, n, T, d)."""


class Testable(Protocol):
    """What a module must have beside `forward` for `Attachment.self_test`."""

    def extremes(self) -> tuple[nn.Module, nn.Module]:
        """Two of its kind: one that leaves every activation as it is, one that changes all it can."""

    def moves(self, x: Tensor) -> Tensor:
        """(B, T) bool: the tokens (B, T, d) that it means to change."""


@dataclass
class Rule:
    """Where a module acts: on which tokens, of outputs of which layout; `active`: whether it does at all."""

    tokens: Tensor | int | None
    channels: Channels
    active: bool = True

    def change(self, module: nn.Module, x: Tensor) -> Tensor:
        """What is to be added to x, in its shape and the module's precision."""
        placed = next(chain(module.parameters(), module.buffers()), None)
        if placed is not None and placed.device != x.device:
            module.to(x.device)  # models that lie on several devices tell where a layer is only by its output
        with torch.autocast(x.device.type, enabled=False):
            change = module(tokens_of(x, self.channels).float())
        if self.tokens is not None:
            change = torch.where(self.chosen(x).unsqueeze(-1), change, 0.0)
        if is_map(x, self.channels):
            change = change.transpose(1, 2)
        return change.reshape(x.shape)

    def chosen(self, x: Tensor) -> Tensor:
        """(B, T) bool of the output x: the tokens that may change."""
        places = (len(x), x.shape[2] * x.shape[3]) if is_map(x, self.channels) else x.shape[:-1]
        if self.tokens is None:
            tokens = torch.ones((), dtype=torch.bool)
        elif isinstance(self.tokens, int):
            tokens = torch.arange(places[-1]) >= self.tokens
        else:
            tokens = self.tokens
        return tokens.to(x.device).expand(places).reshape(len(x), -1)


@dataclass
class Additions:
    """The hook of a layer: x ← x + the changes of all modules attached there, each computed from x itself.

    It looks the modules up in the layer, so that a copy of the model uses the copy's.
    """

    rules: dict[str, Rule] = field(default_factory=dict)

    def __call__(self, layer: nn.Module, arguments: Any, output: Any) -> Any:
        x = main_output(output)
        changes = [rule.change(getattr(layer, place), x) for place, rule in self.rules.items() if rule.active]
        if not changes:
            return output
        return with_main_output(output, x + sum(changes[1:], changes[0]).to(x.dtype))


@dataclass
class Attachment:
    """A module at work on the output of a layer, as the layer's submodule `place`."""

    name: str
    layer: nn.Module
    place: str

    @property
    def module(self) -> Any:
        return getattr(self.layer, self.place)

    @property
    def rule(self) -> Rule:
        hook = hook_of(self.layer)
        assert hook
        return hook.rules[self.place]

    def remove(self) -> None:
        """The layer as it was; what else is attached there stays."""
        hook = hook_of(self.layer)
        assert hook
        del hook.rules[self.place]
        delattr(self.layer, self.place)
        if not hook.rules:
            handles = self.layer._forward_hooks
            del handles[next(key for key, found in handles.items() if found is hook)]

    @torch.no_grad()
    def self_test(self, call: Callable[[], Tensor]) -> None:
        """Try the module, a `Testable`, in the model. `call` runs that on the same inputs, to an output.

        Raises:
            RunError: the layer is not run; the extreme that changes nothing changes the output; the other
                does not (nothing after the layer reads it); a token moved that was not meant to.
        """
        seen: list[Tensor] = []
        probe = self.layer.register_forward_hook(
            lambda layer, arguments, output: seen.append(main_output(output)), prepend=True
        )
        with probe, self.instead(None):
            plain = call()
        if not seen:
            raise RunError(f"sae: '{self.name}' is not run by the model, so its output cannot be edited")
        nothing, everything = self.module.extremes()
        with self.instead(nothing):
            unchanged = all(torch.equal(self._changed(x), x) for x in seen)
            if not (unchanged and torch.allclose(call(), plain, rtol=TOLERANCE, atol=TOLERANCE)):
                raise RunError(f"sae: an edit of nothing at '{self.name}' changes the model's output")
        with self.instead(everything):
            if torch.allclose(call(), plain, rtol=TOLERANCE, atol=TOLERANCE):
                raise RunError(
                    f"sae: ablating all latents at '{self.name}' does not change the model's output; "
                    "nothing reads this layer after the hook, or no latent fires"
                )
        for x in seen:
            before, after = (tokens_of(value, self.rule.channels) for value in (x, self._changed(x)))
            kept = ~(self.module.moves(before.float()) & self.rule.chosen(x))
            if not torch.equal(after[kept], before[kept]):
                raise RunError(f"sae: the edit at '{self.name}' moves tokens that it is to leave alone")

    def _changed(self, x: Tensor) -> Tensor:
        return x + self.rule.change(self.module, x).to(x.dtype)

    @contextmanager
    def instead(self, module: nn.Module | None) -> Iterator[None]:
        """Another module in its place; None = none at all."""
        before, active = self.module, self.rule.active
        setattr(self.layer, self.place, module or before)
        self.rule.active = module is not None
        try:
            yield
        finally:
            setattr(self.layer, self.place, before)
            self.rule.active = active


def attach(
    model: nn.Module,
    name: str,
    module: nn.Module,
    tokens: Tensor | int | None = None,
    channels: Channels = "first",
    place: str = "edit",
) -> Attachment:
    """Add `module`(tokens (B, T, d) float32) -> (B, T, d) to the output of the model's layer from now on.

    The output is (B, d, H, W), (B, T, d) or (B, ..., T, d), alone or as the first entry of a tuple or of a
    diffusers or transformers output, and keeps its dtype. The module becomes a submodule of the layer, so
    that state dicts, copies and moves of the model carry it; it is frozen, and follows the output's device.
    What is attached at a layer adds up, each change computed from the unedited output. The hook comes before
    those already there: transformers collects hidden states by hooks of its own.

    Args:
        tokens: bool, broadcastable to the output's places, such as (B, T), with T = H·W in a map: which may
            change. An int leaves so many leading ones alone (the class token; of every tile). None = all.
        channels: see `Channels`.
        place: name of the submodule; with a number where that is taken.

    Raises:
        InputError: no such layer, or a container, which would run the module.
    """
    layer = layer_of(model, name)
    hook = hook_of(layer)
    if hook is None:
        hook = Additions()
        layer.register_forward_hook(hook, prepend=True)
    names = chain([place], (f"{place}_{number}" for number in range(2, len(hook.rules) + 3)))
    free = next(name for name in names if not hasattr(layer, name))
    layer.add_module(free, module.eval().requires_grad_(False))
    hook.rules[free] = Rule(tokens, channels)
    return Attachment(name, layer, free)


def layer_of(model: nn.Module, name: str) -> nn.Module:
    """The submodule. InputError if there is none of that name, or if it is a container."""
    modules = dict(model.named_modules())
    if name not in modules:
        raise InputError(f"sae: no layer '{name}' in the model; {did_you_mean(name, modules)}")
    if isinstance(modules[name], nn.Sequential | nn.ModuleList | nn.ModuleDict):
        raise InputError(f"sae: '{name}' is a container; give one of its layers, such as the last")
    return modules[name]


def hook_of(layer: nn.Module) -> Additions | None:
    """What adds to the layer's output, if anything does."""
    return next((hook for hook in layer._forward_hooks.values() if isinstance(hook, Additions)), None)


def is_map(x: Tensor, channels: Channels) -> bool:
    return x.ndim == 4 and channels == "first"


def tokens_of(x: Tensor, channels: Channels = "first") -> Tensor:
    """(B, d, H, W) -> (B, H·W, d); (B, ..., T, d) -> (B, ...·T, d)."""
    return x.flatten(2).transpose(1, 2) if is_map(x, channels) else x.flatten(1, -2)
