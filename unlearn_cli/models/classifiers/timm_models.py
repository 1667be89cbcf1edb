"""Any classifier of timm, with forms for small images where the family has one."""

from pathlib import Path
from typing import Any, Literal

import timm
import torch
from pydantic import Field, field_validator
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import FULL, InputError, did_you_mean
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.classifiers import small_cnn  # noqa: F401  registers itself with timm
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.stem import SMALL, shrink, small_options
from unlearn_cli.models.state_dict import read_state_dict
from unlearn_cli.storage.caches import check_caches
from unlearn_cli.storage.hub import hub_or_cache


class TimmSettings(ModelSettings):
    name: str = Field(description="a model of timm: resnet18, convnext_tiny, vit_tiny_patch16_224, ...")
    stem: Literal["auto", "cifar", "imagenet"] = Field(
        description="cifar: the family's form for small images; auto: cifar up to 64 pixels, else imagenet"
    )
    pretrained: bool | Path = Field(
        description="true: timm's weights for the name; a path: such weights in a file"
    )
    resize: int | None = Field(gt=0, description="images are brought to so many pixels inside the model")
    options: dict[str, Any] = Field(
        description="further arguments of timm.create_model, e.g. {patch_size: 4}"
    )

    @field_validator("name")
    @classmethod
    def _exists(cls, name: str) -> str:
        if not timm.is_model(name):
            hint = did_you_mean(name, timm.list_models(), "timm.list_models() names them")
            raise InputError(f"model.name: timm has no model {name!r}; {hint}")
        try:
            timm.get_pretrained_cfg(name)
        except RuntimeError as error:  # a tag after the dot that does not exist
            raise InputError(
                f"model.name: {_line(error)} timm.list_pretrained() names those there are"
            ) from error
        return name

    def build(self, images: ImageSpec) -> Normalised:
        """As `ModelSettings.build`. Pretrained weights bring the mean and std that they were trained with."""
        channels, size = images.channels, (self.resize, self.resize) if self.resize else images.size
        small = self.stem == "cifar" or (self.stem == "auto" and max(size) <= SMALL)
        options = small_options(self.name, size) if small else {}
        net = self._create(len(images.classes), channels, size, options | self.options)
        changed = small and (shrink(net, keep_weights=self.pretrained is not False) or bool(options))
        if self.stem == "cifar" and not changed:
            raise InputError(
                f"model.stem: cifar is a form of ResNets, VGGs and Swins, {self.name} has none; "
                "use model.stem=imagenet, or model.options for a smaller patch size"
            )
        mean, std = images.mean, images.std
        if self.pretrained is not False and channels == len(net.pretrained_cfg["mean"]):
            mean, std = net.pretrained_cfg["mean"], net.pretrained_cfg["std"]
        model = Normalised(net, mean, std, size if self.resize else None)
        _try(model, self.name, channels, size)
        return model

    def _create(self, classes: int, channels: int, size: tuple[int, int], options: dict[str, Any]) -> Any:
        defaults = timm.get_pretrained_cfg(self.name)
        if defaults and defaults.fixed_input_size:  # ViTs and Swins are built for one size
            options = {"img_size": size} | options
        overlay = {"state_dict": _weights(self.pretrained)} if isinstance(self.pretrained, Path) else None
        try:
            with hub_or_cache(self.pretrained is True):
                net: Any = timm.create_model(
                    self.name,
                    pretrained=self.pretrained is not False,
                    pretrained_cfg_overlay=overlay,
                    num_classes=classes,
                    in_chans=channels,
                    **options,
                )
        except OSError as error:
            if error.errno in FULL:
                raise
            check_caches()
            raise InputError(
                f"model.pretrained: the weights of {self.name} are neither in the Hugging Face cache nor in "
                "reach; fetch them once where there is a network, set HF_HOME to a cache that holds them, "
                "or give a local file: "
                f"model.pretrained=/path/to/model.safetensors ({type(error).__name__})"
            ) from error
        except (TypeError, ValueError, AssertionError) as error:
            raise InputError(
                f"model.options: timm cannot build {self.name} for {size[0]}x{size[1]} images "
                f"with {options}: {_line(error)}"
            ) from error
        except (RuntimeError, LookupError) as error:  # no such weights, or a file of other shapes or names
            raise InputError(f"model.pretrained: {self.name}: {_line(error)}") from error
        if overlay:
            _check_overlap(net, overlay["state_dict"], self.pretrained)
            net.pretrained_cfg["state_dict"] = None  # a second copy of the weights
        return net


def _weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        return read_state_dict(path)
    except InputError as error:
        raise InputError(f"model.pretrained: {error}") from error


def _check_overlap(net: nn.Module, state: dict[str, torch.Tensor], path: object) -> None:
    """timm skips in silence what it does not find in the file; refuse a file that names less than half."""
    names = [name for name, _ in net.named_parameters()]
    found = sum(name in state for name in names)
    if 2 * found < len(names):
        raise InputError(
            f"model.pretrained: {path} names {found} of the model's {len(names)} parameters; "
            "give weights of the same architecture, named as timm names them"
        )


@torch.no_grad()
def _try(model: nn.Module, name: str, channels: int, size: tuple[int, int]) -> None:
    """One blank image through the model: an image too small for it is told before any training."""
    model.eval()
    try:
        model(torch.zeros(1, channels, *size))
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"data.size: {name} cannot take images of {size[0]}x{size[1]} pixels ({_line(error)}); "
            "give larger images or choose model=resnet20"
        ) from error
    model.train()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
