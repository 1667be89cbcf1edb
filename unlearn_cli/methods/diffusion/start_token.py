"""Cross-attention that learns nothing about the start token, as the programs of CA and DoCo have it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


@contextmanager
def start_detached(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Within: the same predictions, and no gradient through keys and values of the start token, if wanted.

    (Custom Diffusion, Kumari et al., CVPR 2023, whose attention both programs take over.)
    """

    def detached(layer: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return torch.cat([output[:, :1].detach(), output[:, 1:]], dim=1)

    names = ("attn2.to_k", "attn2.to_v")
    layers = [layer for name, layer in model.named_modules() if wanted and name.endswith(names)]
    hooks = [layer.register_forward_hook(detached) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
