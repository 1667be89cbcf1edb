"""Any classifier of timm, with forms for small images where the family has one."""

import shutil
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import timm
import torch
from pydantic import Field, field_validator
from timm.data import resolve_data_config
from torch import nn

from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import FULL, InputError, did_you_mean, in_a_line
from unlearn_cli.models.base import WRITTEN, ModelSettings
from unlearn_cli.models.classifiers import small_cnn  # noqa: F401  registers itself with timm
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.stem import SMALL, shrink, small_options
from unlearn_cli.models.classifiers.timm_weights import CONFIG, TimmPreprocessing, TimmWeights
from unlearn_cli.models.classifiers.trial import check_takes
from unlearn_cli.models.input import Known
from unlearn_cli.models.own_weights import KEY, filled, have_form, read, write_like
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
                f"model.name: {in_a_line(error)} timm.list_pretrained() names those there are"
            ) from error
        return name

    def build(self, images: ImageSpec) -> Normalised:
        """As `ModelSettings.build`. Pretrained weights bring the mean and std that they were trained with."""
        channels, size = images.channels, (self.resize, self.resize) if self.resize else images.size
        net = self._net(len(images.classes), channels, size, self._is_small(channels, size))
        mean, std = images.mean, images.std
        starts = self.pretrained is not False and not self.own_weights
        if starts and channels == len(net.pretrained_cfg["mean"]):
            mean, std = net.pretrained_cfg["mean"], net.pretrained_cfg["std"]
        model = Normalised(net, mean, std, size if self.resize else None)
        check_takes(model, self.architecture, channels, size)
        return model

    @property
    def architecture(self) -> str:
        """timm's name of the model: the folder's of one's own weights, else `name`."""
        return self._own.architecture(self.name) if self._own else self.name

    def original(self, images: ImageSpec) -> Normalised:
        if self._own is None:
            return self.build(images)
        return filled(self._untrained.build(images), read(self._own.file), images.classes)

    def known(self) -> Known:
        return self._own.known(self.architecture) if self._own else Known()

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        """Of one's own weights theirs; of timm's, where data.size asks for larger pictures, timm's own."""
        if self.own_weights:
            return super().preprocessing(size)
        if self.pretrained is False or self.stem == "cifar" or size is None or size <= SMALL:
            return None
        config = timm.get_pretrained_cfg(self.name)
        shape = resolve_data_config({"img_size": size}, pretrained_cfg=config.to_dict() if config else {})
        return TimmPreprocessing(shape, 3)

    def facts(self) -> dict[str, Any]:
        if not self._own:
            return super().facts()
        return super().facts() | {"name": self.architecture, "options": self._options}

    def write_back(self, model: nn.Module, folder: Path) -> None:
        """As `weights`: a file like it, or a folder."""
        if self._own is None:
            return
        place, file = folder / WRITTEN, self._own.file
        if self._own.config:
            place.mkdir(exist_ok=True)
            shutil.copyfile(self._own.place / CONFIG, place / CONFIG)
            write_like(read(file), model, place / file.name)
        else:
            write_like(read(file), model, place.with_suffix(file.suffix))

    @cached_property
    def _own(self) -> TimmWeights | None:
        return TimmWeights(self.own_weights) if self.own_weights else None

    @property
    def _untrained(self) -> "TimmSettings":
        """Without timm's weights, which an oracle may start from."""
        return self.model_copy(update={"pretrained": False})

    @property
    def _options(self) -> dict[str, Any]:
        return (self._own.arguments if self._own else {}) | self.options

    def _is_small(self, channels: int, size: tuple[int, int]) -> bool:
        """Whether the form for small images is meant; `auto` of one's own weights: the one that they have."""
        if self.stem != "auto" or max(size) > SMALL:
            return self.stem == "cifar"
        if not self._own:
            return True
        with torch.device("meta"):
            large = self._untrained._net(2, channels, size, small=False)
        return not have_form(large, read(self._own.file).state)

    def _net(self, classes: int, channels: int, size: tuple[int, int], small: bool) -> Any:
        options = small_options(self.architecture, size) if small else {}
        net = self._create(classes, channels, size, options | self._options)
        changed = small and (shrink(net, keep_weights=self.pretrained is not False) or bool(options))
        if self.stem == "cifar" and not changed:
            raise InputError(
                f"model.stem: cifar is a form of ResNets, VGGs and Swins, {self.architecture} has none; "
                "use model.stem=imagenet, or model.options for a smaller patch size"
            )
        return net

    def _create(self, classes: int, channels: int, size: tuple[int, int], options: dict[str, Any]) -> Any:
        defaults = timm.get_pretrained_cfg(self.architecture)
        if defaults and defaults.fixed_input_size:  # ViTs and Swins are built for one size
            options = {"img_size": size} | options
        overlay = {"state_dict": _weights(self.pretrained)} if isinstance(self.pretrained, Path) else None
        try:
            with hub_or_cache(self.pretrained is True):
                net: Any = timm.create_model(
                    self.architecture,
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
                f"model.pretrained=/path/to/model.safetensors, or begin from nothing: model.pretrained=false "
                f"({type(error).__name__})"
            ) from error
        except (TypeError, ValueError, AssertionError, RuntimeError, LookupError) as error:
            if self.pretrained is not False and isinstance(error, RuntimeError | LookupError):
                # no such weights, or a file of other shapes or names
                raise InputError(f"model.pretrained: {self.name}: {in_a_line(error)}") from error
            key = KEY if self._own and self._own.config else "model.options"
            raise InputError(
                f"{key}: timm cannot build {self.architecture} for {size[0]}x{size[1]} images "
                f"with {options}: {in_a_line(error)}"
            ) from error
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
