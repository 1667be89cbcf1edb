"""A model in the formats of other libraries: what all formats have in common."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.state_dict import save_torch
from unlearn_cli.storage.files import replacing, write_json

Formats = Mapping[str, tuple[Callable[[nn.Module, Path, ImageSpec], None], str]]
"""By name: how it is written, and how the place's name ends (a file's suffix; of a folder empty)."""


def export(model: nn.Module, to: str, formats: Formats, place: Path, images: ImageSpec) -> Path:
    """Write it; where it is then.

    Args:
        place: without a suffix; what the format makes of it is returned.
        images: what the model was made for.

    Raises:
        InputError: the format is not for this model, its package is missing, or something is there already.
    """
    writer, suffix = formats[to]
    place = place.with_name(f"{place.name}{suffix}")
    if place.exists():
        raise InputError(f"export: {place} is there already; name another place, or take it away")
    place.parent.mkdir(parents=True, exist_ok=True)
    writer(model.eval(), place, images)
    return place


def write_state(network: nn.Module, place: Path, told: Mapping[str, Any]) -> None:
    """The network's state dict, and beside it as JSON how it is fed."""
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with replacing(place) as temporary:
        save_torch(state, temporary)
    write_json(place.with_suffix(".json"), told)
