"""A class-conditional diffusion model in the formats of other libraries."""

from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.class_conditional import ClassConditional
from unlearn_cli.models.diffusion.patched_unet import Patched
from unlearn_cli.models.exported import Formats, write_state


def _diffusers(model: nn.Module, place: Path, images: ImageSpec) -> None:
    """A pipeline; of a model that came from a folder, such a folder."""
    if isinstance(model, Patched):
        raise InputError(
            "export: --to diffusers: its UNet sees squares of pixels, which no pipeline of diffusers cuts; "
            "use --to torch"
        )
    assert isinstance(model, ClassConditional)
    model.save(place)


def _torch(model: nn.Module, place: Path, images: ImageSpec) -> None:
    """The UNet's state dict, with classes, images and noise beside it."""
    assert isinstance(model, ClassConditional)
    told = {
        "classes": [*images.classes],
        "null_class": model.null if model.has_null else None,
        "channels": images.channels,
        "size": [*images.size],
        "range": [-1, 1],
        "squares": model.side if isinstance(model, Patched) else None,
        "unet": _shown(model.unet),
        "scheduler": _shown(model.process),
    }
    write_state(model.unet, place, told)


def _shown(part: Any) -> dict[str, Any]:
    """The arguments that diffusers makes it from."""
    return {name: value for name, value in part.config.items() if not name.startswith("_")}


FORMATS: Formats = {"diffusers": (_diffusers, ""), "torch": (_torch, ".pt")}
