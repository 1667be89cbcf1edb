"""An image classifier of transformers: a folder that `save_pretrained` wrote."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoImageProcessor, AutoModelForImageClassification
from transformers.utils import logging as transformers_logging

from unlearn_cli.config.settings import kind_facts
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.base import WRITTEN, ModelSettings
from unlearn_cli.models.classifiers.normalise import Normalised
from unlearn_cli.models.classifiers.trial import check_takes
from unlearn_cli.models.foreign_folder import no_code_is_offered, refuse_code
from unlearn_cli.models.input import Known
from unlearn_cli.models.loaded import check_tensors, quiet
from unlearn_cli.models.own_weights import KEY
from unlearn_cli.models.processor import ProcessorPreprocessing, one_size
from unlearn_cli.storage.files import read_json
from unlearn_cli.storage.identity import content_of

CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"
FAULTS = (
    OSError,
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    KeyError,
    ImportError,
    SafetensorError,
)
"""How reading a damaged part ends."""
HINT = "give a folder that AutoModelForImageClassification.from_pretrained reads"


class PixelLogits(nn.Module):
    """transformers' classifier as a network from pixels to logits."""

    def __init__(self, inner: Any, processor: Path):
        """processor: the file that says how its pictures are prepared, be it there or not."""
        super().__init__()
        self.inner = inner
        self.processor = processor

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.inner(pixel_values=x).logits
        return logits

    def save(self, folder: Path) -> None:
        """As transformers reads it."""
        self.inner.save_pretrained(folder)
        if self.processor.is_file():
            shutil.copyfile(self.processor, folder / PROCESSOR)


class TransformersSettings(ModelSettings):
    """Its weights are kept in fp32, whatever precision they are stored in."""

    pretrained: Path | None = Field(
        description="a folder of such a model that an oracle starts from (oracle=true), be it for other "
        "classes; null: from nothing"
    )

    def build(self, images: ImageSpec) -> Normalised:
        """As `ModelSettings.build`, or from `pretrained`; the architecture is that of the weights' folder."""
        config, kind = self._config(), AutoModelForImageClassification
        if self.pretrained is None:
            with self._told(self.folder):
                return self._wrapped(kind.from_config(config), images)
        refuse_code(self.pretrained, "model.pretrained")
        with self._told(self.pretrained, "model.pretrained"):
            start = kind.from_pretrained(
                self.pretrained, config=config, local_files_only=True, ignore_mismatched_sizes=True
            )
        return self._wrapped(start, images)

    def original(self, images: ImageSpec) -> Normalised:
        """InputError: weights that are missing, foreign or damaged; a folder that asks for code."""
        config = self._config()
        with self._told(self.folder):
            net, info = AutoModelForImageClassification.from_pretrained(
                self.folder, config=config, local_files_only=True, output_loading_info=True
            )
        check_tensors(info, f"'{self.folder}'", HINT, KEY)
        return self._wrapped(net, images)

    def known(self) -> Known:
        config = self._config()
        classes = [name for _, name in sorted(config.id2label.items())]
        channels = getattr(config, "num_channels", 3)
        if not (self.folder / PROCESSOR).is_file():
            return Known(channels=channels, classes=classes)
        with self._told(self.folder):
            processor: Any = AutoImageProcessor.from_pretrained(self.folder, local_files_only=True)
            sized = one_size(processor)
        if not processor.do_rescale or abs(processor.rescale_factor * 255 - 1) > 1e-3:
            raise InputError(
                f"{KEY}: {self.folder / PROCESSOR} does not bring pixels to [0, 1] (do_rescale, "
                "rescale_factor), and other numbers are not given to a classifier here"
            )
        normalised = processor.do_normalize
        return Known(
            mean=processor.image_mean if normalised else [0.0],
            std=processor.image_std if normalised else [1.0],
            geometry=ProcessorPreprocessing(processor) if sized else None,
            channels=channels,
            classes=classes,
        )

    def facts(self) -> dict[str, Any]:
        start = {"pretrained": content_of(self.pretrained)} if self.pretrained else {}
        return {**kind_facts(self), "config": content_of(self.folder / CONFIG), **start}

    def write_back(self, model: nn.Module, folder: Path) -> None:
        """As a folder like `weights`."""
        assert isinstance(model, Normalised)
        assert isinstance(model.net, PixelLogits)
        model.net.save(folder / WRITTEN)

    @property
    def folder(self) -> Path:
        """That of the weights. InputError: it is none of a classifier."""
        if self.weights is None:
            raise InputError(f"{KEY}: missing; set {KEY}=FOLDER, what save_pretrained wrote")
        folder = self.weights.expanduser()
        if not (folder / CONFIG).is_file():
            raise InputError(f"{KEY}: '{self.weights}' has no {CONFIG}; {HINT}")
        return folder

    def _config(self) -> Any:
        refuse_code(self.folder, KEY)
        with self._told(self.folder):
            said = read_json(self.folder / CONFIG)
        if "architecture" in said and "model_type" not in said:
            raise InputError(f"{KEY}: {self.folder / CONFIG} is timm's; such a folder is given by model=timm")
        with self._told(self.folder):
            return AutoConfig.from_pretrained(self.folder, local_files_only=True)

    def _wrapped(self, net: Any, images: ImageSpec) -> Normalised:
        model = Normalised(PixelLogits(net.float(), self.folder / PROCESSOR), images.mean, images.std)
        check_takes(model, f"'{self.weights}'", images.channels, images.size)
        return model

    @contextmanager
    def _told(self, folder: Path, key: str = KEY) -> Iterator[None]:
        """What the library raises of a damaged or foreign folder becomes an InputError."""
        try:
            with quiet(transformers_logging), no_code_is_offered():
                yield
        except FAULTS as error:
            raise InputError(
                f"{key}: '{folder}' cannot be opened ({type(error).__name__}: {in_a_line(error)}); {HINT}"
            ) from error
