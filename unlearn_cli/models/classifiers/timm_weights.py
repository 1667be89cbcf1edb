"""What timm's own files say of weights: a folder of its hub layout, a checkpoint of its training script."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import timm
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.data.transforms import MaybeToTensor

from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.errors import InputError
from unlearn_cli.models.classifiers.channels import channels_of
from unlearn_cli.models.foreign_folder import refuse_code
from unlearn_cli.models.input import Known, stepped
from unlearn_cli.models.own_weights import KEY, read
from unlearn_cli.storage.files import read_json

CONFIG = "config.json"
FILES = ("model.safetensors", "pytorch_model.bin")
"""Weights in a folder of timm's hub layout."""
NOT_ITS_SHAPE = ("pretrained", "checkpoint", "num_classes", "in_chans")
"""How arguments of create_model begin that say which weights, or are the data's."""


class TimmPreprocessing:
    """timm's transform for evaluation, up to where pixels become floats."""

    def __init__(self, config: Mapping[str, Any], channels: int):
        """config: of `resolve_data_config`."""
        self.config, self.channels = dict(config), channels

    def facts(self) -> dict[str, Any]:
        shaping = {key: value for key, value in self.config.items() if key not in ("mean", "std")}
        return {"timm": shaping | {"channels": self.channels}}

    def __call__(self, image: Image.Image) -> np.ndarray:
        return stepped(image, self.channels, self._steps)

    @cached_property
    def _steps(self) -> list[Any]:
        steps = create_transform(**self.config, is_training=False).transforms
        return list(takewhile(lambda step: not isinstance(step, MaybeToTensor), steps))


@dataclass(frozen=True)
class TimmWeights:
    """A file of weights, or a folder with config.json."""

    place: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """A folder's config.json; of a file nothing. InputError: it cannot be read."""
        if not self.place.is_dir():
            return {}
        refuse_code(self.place, KEY)
        try:
            config = dict(read_json(self.place / CONFIG))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{KEY}: {self.place / CONFIG}: no configuration of timm ({error})") from error
        if "architecture" not in config:
            raise InputError(
                f"{KEY}: {self.place / CONFIG} names no architecture of timm; a folder of transformers is "
                "given by model=transformers"
            )
        if not timm.is_model(name := str(config["architecture"])):
            raise InputError(f"{KEY}: {self.place / CONFIG}: timm {timm.__version__} has no model {name!r}")
        return config

    @property
    def file(self) -> Path:
        """InputError: the folder has no weights."""
        if not self.place.is_dir():
            return self.place
        found = next((self.place / name for name in FILES if (self.place / name).is_file()), None)
        if found is None:
            raise InputError(f"{KEY}: '{self.place}' has neither {' nor '.join(FILES)}")
        return found

    def architecture(self, otherwise: str) -> str:
        """timm's name of the model, where the folder says it."""
        return str(self.config.get("architecture", otherwise))

    @property
    def arguments(self) -> dict[str, Any]:
        """What a folder says of create_model's further arguments."""
        own = self.config.get("model_args") or {}
        return {key: value for key, value in own.items() if not key.startswith(NOT_ITS_SHAPE)}

    def known(self, name: str) -> Known:
        """By the folder's configuration, or the arguments that a checkpoint of timm's training keeps; where
        these are silent, as timm's own weights of that name are used. Of bare weights the channels alone."""
        file, default = read(self.file), timm.get_pretrained_cfg(name)
        config = (default.to_dict() if default else {}) | dict(self.config.get("pretrained_cfg") or {})
        first = config.get("first_conv")
        layer = first[0] if isinstance(first, list | tuple) else first
        channels = channels_of(file.state, layer) if layer else None
        trained = _arguments(file.content)
        if not (self.config or trained) or channels not in (3, None):
            return Known(channels=channels)
        shape = resolve_data_config(trained, pretrained_cfg=config)
        return Known(
            mean=shape["mean"],
            std=shape["std"],
            geometry=TimmPreprocessing(shape, 3),
            channels=channels,
            classes=self.config.get("label_names") or config.get("label_names"),
        )


def _arguments(content: Mapping[str, Any]) -> dict[str, Any]:
    """Those of timm's training script that a checkpoint has beside its weights."""
    own = content.get("args", {})
    return dict(vars(own) if isinstance(own, Namespace) else own if isinstance(own, Mapping) else {})


_: type[Preprocessing] = TimmPreprocessing  # what it claims, mypy verifies
