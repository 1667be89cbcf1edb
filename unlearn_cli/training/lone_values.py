"""Batch normalisation of a single value: a batch of one image where the layer sees one pixel of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def by_running_statistics(model: nn.Module) -> Iterator[None]:
    """While training, normalise channels of one value by the running statistics and leave those as they are.

    One value has no deviation, and PyTorch refuses it; to forget one image is the commonest request of all.
    """

    resting: set[_BatchNorm] = set()

    def before(layer: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
        if layer.training and inputs[0].numel() == inputs[0].shape[1]:
            resting.add(layer.eval())

    def after(layer: _BatchNorm, inputs: Any, output: Any) -> None:
        if layer in resting:
            resting.remove(layer.train())

    layers = [layer for layer in model.modules() if isinstance(layer, _BatchNorm)]
    hooks = [layer.register_forward_pre_hook(before) for layer in layers]
    hooks += [layer.register_forward_hook(after) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        for layer in resting:  # the pass has failed
            layer.train()
