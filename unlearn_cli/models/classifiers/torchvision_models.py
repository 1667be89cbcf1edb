"""Any classifier of torchvision by name, for weights that were trained in plain PyTorch."""

from dataclasses import replace
from typing import Any

import torch
import torchvision
from pydantic import Field, field_validator
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError, did_you_mean, in_a_line
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.classifiers.channels import channels_of, first_conv, set_channels
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.trial import check_takes
from unlearn_cli.models.input import Known
from unlearn_cli.models.own_weights import read


class TorchvisionSettings(ModelSettings):
    name: str = Field(description="a classifier of torchvision: resnet18, mobilenet_v3_small, vit_b_16, ...")
    options: dict[str, Any] = Field(description="further arguments of torchvision.models.get_model")

    @field_validator("name")
    @classmethod
    def _exists(cls, name: str) -> str:
        if name not in (names := torchvision.models.list_models(module=torchvision.models)):
            hint = did_you_mean(name, names, "torchvision.models.list_models() names them")
            raise InputError(f"model.name: torchvision has no classifier {name!r}; {hint}")
        return name

    def build(self, images: ImageSpec) -> Normalised:
        """As `ModelSettings.build`, with torchvision's own initialisation. Of grey images the first
        convolution reads one channel.

        InputError: arguments that torchvision refuses, images that the network cannot take.
        """
        net = self._net(len(images.classes))
        set_channels(net, images.channels)
        model = Normalised(net, images.mean, images.std)
        check_takes(model, self.name, images.channels, images.size)
        return model

    def known(self) -> Known:
        """In plain PyTorch's files the first layer says how many channels it reads, and nothing says more."""
        known = super().known()
        if not self.own_weights or known.channels:
            return known
        with torch.device("meta"):
            layer = first_conv(self._net(2))
        return replace(known, channels=channels_of(read(self.own_weights).state, layer))

    def _net(self, classes: int) -> nn.Module:
        try:
            net: nn.Module = torchvision.models.get_model(self.name, num_classes=classes, **self.options)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"model.options: torchvision cannot build {self.name} with {self.options}: {in_a_line(error)}"
            ) from error
        return net
