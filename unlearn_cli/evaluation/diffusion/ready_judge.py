"""A ready-made judge: an image classifier from a folder, whose labels are matched with a column's values."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor, nn
from torchvision.transforms.functional import to_pil_image

from unlearn_cli.data.names import unknown
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.evaluation.judge import AnyJudge, JudgeNetwork
from unlearn_cli.models.foreign_folder import refuse_code
from unlearn_cli.models.loaded import check_tensors, quiet
from unlearn_cli.storage.hub import hub_or_cache
from unlearn_cli.storage.identity import content_of

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

IMAGES = 32  # through the network at once
FAULTS = (
    *(OSError, ValueError, RuntimeError, KeyError, ImportError, TypeError, AttributeError),
    *(SafetensorError, UnpicklingError),
)
HINT = "give a folder of transformers' AutoModelForImageClassification, or a hub name (owner/name)"


class ClassifierOfValues(nn.Module):
    """Images (B, 3, H, W) in [0, 1] to logits (B, C + 1): of C values, and of anything else.

    A value's logit is the largest of its labels', so the largest of all is the classifier's own top-1; the
    last column is left out where every label is some value's.
    """

    def __init__(self, model: Any, processor: Any, labels: list[list[int]]):
        super().__init__()
        self.model, self.processor = model, processor
        count = len(model.config.id2label)
        rest = sorted(set(range(count)) - {number for numbers in labels for number in numbers})
        self.labels = [*labels, rest] if rest else labels
        linear = [layer for layer in model.modules() if isinstance(layer, nn.Linear)]
        heads = [layer for layer in linear if layer.out_features == count]
        if not heads:
            raise InputError(
                f"eval.judges: a {type(model).__name__} has no linear layer of its {count} labels"
            )
        self.head = heads[-1]

    def forward(self, images: Tensor) -> Tensor:
        logits = torch.cat([self._logits(part) for part in images.split(IMAGES)])
        return torch.stack([logits[:, numbers].amax(1) for numbers in self.labels], dim=1)

    def _logits(self, images: Tensor) -> Tensor:
        pixels = self.processor([to_pil_image(image.cpu()) for image in images], return_tensors="pt")
        logits: Tensor = self.model(pixels["pixel_values"].to(images.device)).logits
        return logits


class ReadyJudge(AnyJudge):
    """Nothing is trained. Its labels, and the synonyms that commas part in ImageNet's, name the values."""

    path: str = Field(description="a folder of a classifier with its labels' names, or a hub name")

    def check(self, origins: Origins) -> None:
        self.get(origins)

    def get(self, origins: Origins) -> tuple[JudgeNetwork, str]:
        place = Path(self.path).expanduser()
        model, processor, key = _opened(self.path, content_of(place) if place.is_dir() else "")
        values = [value for value in origins.data.classes if value]  # empty: the prompt asks for none
        names = labels_by_name(model.config.id2label)
        for value in values:
            if _plain(value) not in names:
                raise unknown("eval.judges", f"label of '{self.path}' named", value, sorted(names))
        judge = ClassifierOfValues(model, processor, [names[_plain(value)] for value in values])
        return judge.to(origins.compute.device).eval(), digest(key, *values)

    def key(self, origins: Origins) -> str:
        return self.get(origins)[1]

    def made(self, origins: Origins) -> bool:
        return True


def labels_by_name(id2label: dict[int, str]) -> dict[str, list[int]]:
    """Numbers of the labels by each of their names, in lower case: 'church, church building' has three."""
    found: dict[str, list[int]] = {}
    for number, label in id2label.items():
        for name in {_plain(label), *map(_plain, label.split(","))}:
            found.setdefault(name, []).append(int(number))
    return found


def _plain(name: str) -> str:
    return name.replace("_", " ").strip().casefold()


@lru_cache
def _opened(path: str, stamp: str) -> tuple[Any, Any, str]:
    """Model, image processor, and a hash of the weights; an attack asks for them again and again.

    stamp: changes with the files of a folder.
    """
    from transformers import AutoImageProcessor, AutoModelForImageClassification
    from transformers.utils import logging as transformers_logging

    try:
        is_here = Path(path).expanduser().is_dir()
        place = str(Path(path).expanduser()) if is_here else path
        refuse_code(Path(place), "eval.judges")
        with hub_or_cache(not is_here):
            processor = AutoImageProcessor.from_pretrained(place, trust_remote_code=False)
            with quiet(transformers_logging):
                model, info = AutoModelForImageClassification.from_pretrained(
                    place, output_loading_info=True, trust_remote_code=False
                )
    except FAULTS as error:
        raise InputError(f"eval.judges: '{path}' cannot be opened ({in_a_line(error)}); {HINT}") from error
    check_tensors(info, f"'{path}'", HINT, key="eval.judges")
    states = [value.cpu().numpy() for value in model.state_dict().values()]
    return model, processor, digest(*states)
