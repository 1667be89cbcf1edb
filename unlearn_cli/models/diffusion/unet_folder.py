"""A class-conditional UNet as diffusers writes it: alone, or in a pipeline with its scheduler."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DModel
from diffusers.utils import logging as diffusers_logging

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.names import listed
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.diffusion.noising import SCHEDULER
from unlearn_cli.models.diffusion.opened import faults_told, opened
from unlearn_cli.models.foreign_folder import refuse_code
from unlearn_cli.models.loaded import quiet
from unlearn_cli.models.own_weights import KEY
from unlearn_cli.storage.files import read_json

INDEX, CONFIG = "model_index.json", "config.json"
HINT = "give a folder of UNet2DModel.save_pretrained, or of a DDPMPipeline"


@dataclass(frozen=True)
class UNetFolder:
    """Its configuration is read, and refused if need be, when it is first asked for."""

    place: Path

    @property
    def unet(self) -> Path:
        """Where the UNet lies."""
        return within if (within := self.place / "unet").is_dir() else self.place

    @property
    def scheduler(self) -> Path | None:
        """The scheduler's file; None: there is none."""
        places = (self.place / "scheduler" / SCHEDULER, self.place / SCHEDULER)
        return next((file for file in places if file.is_file()), None)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The UNet's. InputError: no folder, of another model, or of one that knows no classes."""
        if not self.place.is_dir():
            told = "is a file; it goes with model=unet" if self.place.is_file() else "no such folder"
            raise InputError(f"{KEY}: '{self.place}': {told}; {HINT}")
        refuse_code(self.place, KEY)
        self._check_parts()
        if not (self.unet / CONFIG).is_file():
            raise InputError(f"{KEY}: '{self.unet}' has no {CONFIG}; {HINT}")
        with faults_told(KEY, self.unet / CONFIG, HINT):
            config = dict(read_json(self.unet / CONFIG))
        if refused := next(self._faults(config), None):
            raise InputError(
                f"{KEY}: '{self.unet}' {refused}; {HINT} that draws images in [-1, 1] of a class"
            )
        return config

    def _check_parts(self) -> None:
        """InputError: a pipeline of which a UNet is not all that has weights."""
        if not (self.place / INDEX).is_file():
            return
        with faults_told(KEY, self.place / INDEX, HINT):
            index = dict(read_json(self.place / INDEX))
        parts = [name for name, entry in index.items() if isinstance(entry, list) and any(entry)]
        if foreign := [part for part in parts if part not in ("unet", "scheduler")]:
            raise InputError(
                f"{KEY}: '{self.place}' is a {index.get('_class_name')} with {listed(foreign)}; {HINT}"
            )

    def _faults(self, config: dict[str, Any]) -> Iterator[str]:
        if (kind := config.get("_class_name")) != UNet2DModel.__name__:
            yield f"is a {kind}"
        if config.get("class_embed_type") is not None or not config.get("num_class_embeds"):
            yield "has no table of classes (num_class_embeds)"
        if not isinstance(config.get("in_channels"), int):
            yield "does not say how many channels it reads (in_channels)"
        if config.get("in_channels") != config.get("out_channels"):
            yield "predicts more than the noise (out_channels)"
        if config.get("center_input_sample"):
            yield "takes images in [0, 1] (center_input_sample)"

    def check_takes(self, images: ImageSpec) -> None:
        """InputError: images of other channels or another size than it was made for, or that it cannot halve
        so often."""
        (height, width), own = images.size, self.config.get("sample_size")
        if (channels := self.config["in_channels"]) != images.channels:
            raise InputError(
                f"data: images of {images.channels} channel(s), but '{self.place}' draws {channels}"
            )
        made_for = (own, own) if isinstance(own, int) else tuple(own or images.size)
        if made_for != (height, width):
            raise InputError(
                f"data.size: images of {height} x {width} pixels, but '{self.place}' draws "
                f"{' x '.join(map(str, made_for))} (sample_size); set data.size={made_for[0]}"
            )
        with torch.device("meta"):
            x, number = torch.zeros(1, channels, height, width), torch.zeros(1, dtype=torch.long)
            unet: Any = self.blank()
            try:
                unet(x, number, class_labels=number)
            except RuntimeError as error:
                raise InputError(
                    f"data.size: '{self.place}' cannot take images of {height} x {width} pixels "
                    f"({in_a_line(error)}); give a multiple of {2 ** (len(unet.down_blocks) - 1)}"
                ) from error

    def blank(self) -> Any:
        """A freshly initialised UNet of this shape. InputError: there is none."""
        with faults_told(KEY, self.unet / CONFIG, HINT), quiet(diffusers_logging):
            return UNet2DModel.from_config(self.config)

    def filled(self) -> Any:
        """The UNet with its weights, in fp32. InputError: they are missing, damaged or of another shape."""
        with faults_told(KEY, self.unet, HINT):
            return opened(UNet2DModel, self.unet, f"'{self.unet}'", HINT, KEY)

    def write_like(self, unet: Any, folder: Path) -> None:
        """Another UNet of this shape into a folder, with the files that lie around this one."""
        target = folder / self.unet.relative_to(self.place)
        unet.save_pretrained(target)
        around = [self.place / INDEX, self.scheduler, self.unet / CONFIG]
        for file in (file for file in around if file is not None and file.is_file()):
            copy = folder / file.relative_to(self.place)
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(file, copy)
