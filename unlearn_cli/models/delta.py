"""A delta: the tensors of a pretrained model that unlearning has changed or added.

One line puts those of a text-to-image model into any pipeline, those of a vision-language model into any
model of transformers: load_delta(pipe, "outputs/…/delta.safetensors")
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.checkpoint import check_facts
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.tensors import read_tensors, write_tensors

DELTA = "delta.safetensors"
PARTS = ("unet", "text_encoder")
INNER = "net."
"""Before the names of a `VisionLanguage`'s weights, which the file has as transformers has them."""
ADAPTER = "adapter."
"""What a method has attached to a CLIP, see models/zero_shot.py."""
FACTS = "unlearn"
"""The file's metadata of that name are its facts; a file without them is no delta."""

Model = TypeVar("Model")


def save_delta(path: Path, model: Any, original: Any, facts: Mapping[str, Any]) -> None:
    """Write the tensors of `model` that differ from those of `original`, whole, under their library's names.

    Also those in which the original itself departs from its pipeline, so that one delta is enough. facts:
    JSON values (method, concept, data, ...), kept in the same file. RunError if it cannot be written.
    """
    before, departed = _tensors(original), original.departed
    changed = {
        name: tensor.cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in _tensors(model).items()
        # what else a method attaches has files of its own
        if name.startswith(ADAPTER)
        or (name in before and (name in departed or not torch.equal(tensor, before[name])))
    }
    write_tensors(path, changed, {FACTS: json.dumps(facts)})


def load_delta(target: Model, path: str | Path, facts: Mapping[str, Any] | None = None) -> Model:
    """Put a delta into `target` in place, in its own precision and on its device, and return it.

    target: a `StableDiffusionPipeline` of diffusers, a LLaVA or Mllama of transformers, a `TextToImage`, a
    `ZeroShotClip` or a `VisionLanguage`. facts: what must hold of the file.

    Raises:
        InputError: no delta, a tensor that the target lacks or has in another shape, other facts; the target
            is then as it was.
    """
    file = Path(path)
    stored = facts_of(file)
    if stored is None:
        raise InputError(f"delta {file}: not a delta of unlearn; give a run's {DELTA}")
    check_facts(stored, facts or {}, file)
    own, new = _tensors(target), _read(file)
    for name, tensor in new.items():
        if name not in own:
            raise InputError(
                f"delta {file}: the model has no {name}; give the pipeline or model that was unlearned"
            )
        if own[name].shape != tensor.shape:
            raise InputError(
                f"delta {file}: {name} is {list(tensor.shape)} in the file, {list(own[name].shape)} in the "
                "model; give the pipeline or model that was unlearned"
            )
        if own[name].is_meta:
            raise InputError(f"delta {file}: {name} is offloaded; load the delta before offloading")
    with torch.no_grad():
        for name, tensor in new.items():
            own[name].copy_(tensor)
    return target


def facts_of(file: Path) -> dict[str, Any] | None:
    """The facts of a delta; None for a .safetensors of another kind. InputError if it is unreadable."""
    try:
        with safe_open(file, framework="pt") as opened:
            found = (opened.metadata() or {}).get(FACTS)
    except (OSError, SafetensorError) as error:
        raise InputError(f"delta {file}: missing or damaged ({error}); give a run's {DELTA}") from error
    if found is None:
        return None
    try:
        facts = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise InputError(f"delta {file}: its facts are damaged ({in_a_line(error)}); give another") from error
    if not isinstance(facts, dict):
        raise InputError(f"delta {file}: its facts are no JSON object; give another")
    return facts


def _read(file: Path) -> dict[str, Tensor]:
    try:
        return read_tensors(file)
    except Damaged as error:
        raise InputError(f"delta {file}: damaged ({error}); give a run's {DELTA}") from error


def delta_at(path: Path) -> Path | None:
    """The delta that is meant by a run folder or a file; None if that holds none."""
    if path.is_dir():
        return path / DELTA if (path / DELTA).is_file() else None
    is_delta = path.suffix == ".safetensors" and path.is_file() and facts_of(path) is not None
    return path if is_delta else None


def names_in(file: Path) -> frozenset[str]:
    """The names of its tensors."""
    with safe_open(file, framework="pt") as opened:
        return frozenset(opened.keys())


def shape_in(file: Path, name: str) -> list[int] | None:
    """The shape of its tensor of that name; None if it has none."""
    with safe_open(file, framework="pt") as opened:
        return list(opened.get_slice(name).get_shape()) if name in opened.keys() else None  # noqa: SIM118


def _tensors(model: Any) -> dict[str, Tensor]:
    if not hasattr(model, PARTS[0]):
        return {name.removeprefix(INNER): tensor for name, tensor in model.state_dict().items()}
    return {
        f"{part}.{name}": tensor
        for part in PARTS
        for name, tensor in getattr(model, part).state_dict().items()
    }
