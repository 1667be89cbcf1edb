"""What layers read of images: the inputs of a model's convolutions and linear layers."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import EmbedsImagesAndTexts, WithHead

EMBEDDING = "embedding"
"""Of a CLIP: what its logits are made of. Of a classifier that is what its head reads."""

Seen = TypeVar("Seen")


def check_has_features(model: nn.Module, key: str) -> None:
    """InputError: the model does not tell its last layer."""
    if not isinstance(model, WithHead | EmbedsImagesAndTexts):
        kind = type(model)
        raise InputError(
            f"{key} looks at what the last layer reads; for it the class {kind.__module__}."
            f"{kind.__qualname__} must offer head (or image_features)"
        )


@torch.no_grad()
def last_read(model: nn.Module, x: Tensor) -> Tensor:
    """(B, D) float32, in eval mode: the image embedding of a CLIP, what the head of a classifier reads."""
    model.eval()
    if isinstance(model, EmbedsImagesAndTexts):
        return model.image_features(x).float()
    assert isinstance(model, WithHead)
    seen: list[Tensor] = []
    hook = model.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        model(x)
    finally:
        hook.remove()
    return seen[-1].flatten(1).float()


@torch.no_grad()
def layers_read(model: nn.Module, x: Tensor, look: Callable[[Tensor], Seen]) -> dict[str, Seen]:
    """look((B, D) float32) of what each convolution and linear layer reads in eval mode, by name, in order.

    A CLIP's vision tower alone, and its embedding at the end. What a layer reads has gone through the
    normalisation and the activation before it; the first one reads the image, which no model has made.
    """
    model.eval()
    found: dict[str, Seen] = {}

    def reading(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def read(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if len(inputs[0]) == len(x):  # not a layer of tokens, or of texts
                found[name] = look(inputs[0].flatten(1).float())

        return read

    layers = [
        (name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear | _ConvNd)
    ]
    hooks = [layer.register_forward_pre_hook(reading(name)) for name, layer in layers]
    try:
        if isinstance(model, EmbedsImagesAndTexts):
            embedding = model.image_features(x)
            found[EMBEDDING] = look(embedding.float())
        else:
            model(x)
    finally:
        for hook in hooks:
            hook.remove()
    return dict(list(found.items())[1:])
