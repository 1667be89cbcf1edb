"""Forms for small images of architectures that were made for 224 pixels."""

from typing import Any

import torch
from timm.layers import ClassifierHead
from timm.models.resnet import ResNet
from timm.models.vgg import VGG
from torch import nn

SMALL = 64
"""Images up to this many pixels a side count as small (CIFAR, SVHN, Tiny-ImageNet)."""


def small_options(name: str, size: tuple[int, int]) -> dict[str, Any]:
    """Arguments of timm's constructor: a Swin gets windows of 4, and patches of 2 (1 up to 16 pixels)."""
    if not name.startswith("swin_"):
        return {}
    return {"patch_size": 1 if max(size) <= 16 else 2, "window_size": 4}


def shrink(net: nn.Module, keep_weights: bool) -> bool:
    """Change `net` in place for small images; False where its family has no such form.

    A ResNet gets a 3x3 stem of stride 1 and no pooling (He et al. 2016, section 4.2), a VGG a linear layer on
    pooled features in the place of its 120M parameters of 4096-wide layers.
    keep_weights: the 3x3 kernel is the centre of the (pretrained) 7x7 one, else it is drawn afresh.
    """
    if isinstance(net, ResNet) and isinstance(net.conv1, nn.Conv2d):
        _shrink_resnet(net, keep_weights)
    elif isinstance(net, VGG):
        _shrink_vgg(net)
    else:
        return False
    return True


def _shrink_resnet(net: Any, keep_weights: bool) -> None:
    old = net.conv1
    net.conv1 = nn.Conv2d(old.in_channels, old.out_channels, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    if keep_weights:
        with torch.no_grad():
            net.conv1.weight.copy_(old.weight[:, :, 2:5, 2:5])
    net.maxpool = nn.Identity()


def _shrink_vgg(net: Any) -> None:
    net.pre_logits = nn.Identity()
    net.head_hidden_size = net.num_features
    net.head = ClassifierHead(net.num_features, net.num_classes, drop_rate=net.drop_rate)
