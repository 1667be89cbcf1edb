"""The wrapper around every classifier: normalisation inside the model, the head, the order of layers."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import WithHead, WithWeightLayers

WEIGHT_LAYERS = (nn.Linear, _ConvNd)


class Normalised(nn.Module):
    """Float images in [0, 1] (B, C, H, W) -> logits (B, classes).

    Normalisation is part of the model so that attacks (boundary shrink's FGSM) work in pixel space. Mean and
    std belong to the data, not to the weights: they are in no state dict. resize: height and width in pixels
    that images are brought to first.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        net: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        resize: tuple[int, int] | None = None,
    ):
        super().__init__()
        self.net = net
        self.resize = resize
        self.register_buffer(
            "mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False
        )
        self.register_buffer(
            "std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False
        )
        self._head_name()  # refuses a network without a linear head now, not after training

    def forward(self, x: Tensor) -> Tensor:
        if self.resize:
            x = F.interpolate(x, self.resize, mode="bilinear")
        return self.net((x - self.mean) / self.std)

    @property
    def head(self) -> nn.Linear:
        """The last linear layer, which yields the logits. May be replaced: `model.head = nn.Linear(...)`."""
        head = self.get_submodule(self._head_name())
        assert isinstance(head, nn.Linear)
        return head

    @head.setter
    def head(self, layer: nn.Linear) -> None:
        parent, _, leaf = self._head_name().rpartition(".")
        setattr(self.get_submodule(parent), leaf, layer)

    def __setattr__(self, name: str, value: Any) -> None:
        # nn.Module would register the layer as a child of its own and never reach the setter.
        if name == "head":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def widen_head(self, extra: int) -> None:
        """Add `extra` freshly initialised outputs; the old ones keep their weights bit for bit."""
        old = self.head
        new = nn.Linear(old.in_features, old.out_features + extra, old.bias is not None)  # global CPU RNG
        self.head = _with_rows_of(old, new.to(old.weight))

    def narrow_head(self, classes: int) -> None:
        """Keep the first `classes` outputs, bit for bit, and drop the others."""
        old = self.head
        new = nn.Linear(old.in_features, classes, old.bias is not None)
        self.head = _with_rows_of(old, new.to(old.weight))

    def weight_layers(self) -> list[list[str]]:
        """Names of all parameters, each once, grouped by weight layer, from the input to the head.

        A layer is a convolution or linear layer in the order of definition, with the norm that follows it and
        with the loose parameters (position embedding, layer scale) that stand before it.
        """
        unseen = {name for name, _ in self.named_parameters()}  # names a shared parameter once
        layers: list[list[str]] = []
        loose: list[str] = []
        for path, module in self.named_modules():
            own = [f"{path}.{name}" for name, _ in module.named_parameters(recurse=False)]
            own = [name for name in own if name in unseen]
            unseen.difference_update(own)
            if isinstance(module, WEIGHT_LAYERS):
                layers.append(loose + own)
                loose = []
            elif layers and "norm" in type(module).__name__.lower():
                layers[-1] += own
            else:
                loose += own
        layers[-1] += loose
        return layers

    def _head_name(self) -> str:
        net: Any = self.net
        if hasattr(net, "get_classifier"):  # timm says which layer it is
            found = net.get_classifier()
        else:
            found = next((m for m in reversed(list(net.modules())) if isinstance(m, nn.Linear)), None)
        if not isinstance(found, nn.Linear):
            kind = type(net).__name__
            raise InputError(
                f"model.name: the classifier of {kind} is not one linear layer; choose another model"
            )
        return next(name for name, module in self.named_modules() if module is found)


@torch.no_grad()
def _with_rows_of(old: nn.Linear, new: nn.Linear) -> nn.Linear:
    """`new` with as many leading rows of `old` as both have, in the same mode."""
    rows = min(old.out_features, new.out_features)
    for name, parameter in new.named_parameters():
        source = old.get_parameter(name)
        parameter[:rows] = source[:rows]
        parameter.requires_grad_(source.requires_grad)
    return new.train(old.training)


_: type[WithHead] = Normalised  # what it claims, mypy verifies
__: type[WithWeightLayers] = Normalised
