"""A model on disk: `model.safetensors` beside `model.json`, the facts that it was made from."""

import json
import logging
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.models.named_alike import differences
from unlearn_cli.models.state_dict import read_state_dict
from unlearn_cli.storage.files import read_json, replacing, write_json

log = logging.getLogger("unlearn")

WEIGHTS, FACTS = "model.safetensors", "model.json"
Model = TypeVar("Model", bound=nn.Module)


def save_model(folder: Path, model: nn.Module, facts: Mapping[str, Any]) -> None:
    """Write the weights and the facts (JSON values: architecture, classes, data, splits, method, seed, ...).

    Each file is whole or absent. The facts come last and the old ones go first, so that no kill can leave
    weights with the facts of others.
    """
    tensors = {
        name: tensor.detach()
        .cpu()
        .clone(memory_format=torch.contiguous_format)  # safetensors shares no memory
        for name, tensor in model.state_dict().items()
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FACTS).unlink(missing_ok=True)
        with replacing(folder / WEIGHTS) as temporary:
            save_file(tensors, temporary, metadata={"format": "pt"})
        write_json(folder / FACTS, dict(facts))
    except (OSError, SafetensorError) as error:
        raise RunError(f"{folder}: cannot write the model: {error}") from error


def load_into(model: Model, path: Path, facts: Mapping[str, Any]) -> Model:
    """Fill `model` in place from a folder of `save_model` or a weight file, and return it.

    path: a folder, a .safetensors or a torch state dict (see `read_state_dict`).
    facts: what must hold of the file; each is compared with the file's own of the same name. A weight file
    without facts is taken with a warning. InputError for other tensors or other facts; the model is then as
    it was.
    """
    weights = path / WEIGHTS if path.is_dir() else path
    state = read_state_dict(weights)
    state = _matched(model, state, path)
    record = weights.with_name(FACTS)
    if weights.name == WEIGHTS and record.is_file():
        check_facts(read_facts(record), facts, path)
    elif path.is_dir():
        raise InputError(f"checkpoint {path}: no {FACTS}, so the folder is incomplete; train the model again")
    else:
        log.warning("checkpoint %s: no record of its data and splits, so they cannot be verified", path)
    model.load_state_dict(state, strict=False)
    return model


def _matched(model: nn.Module, state: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The file's tensors under the model's own names."""
    own = {name.removeprefix("net."): (name, tensor) for name, tensor in model.state_dict().items()}
    if told := differences({name: tensor for name, (_, tensor) in own.items()}, state):
        raise InputError(
            f"checkpoint {path}: another architecture, tensors differ: {told}; "
            "give the model= that it was trained as"
        )
    return {own[name][0]: tensor for name, tensor in state.items()}


def read_facts(record: Path) -> dict[str, Any]:
    """What `save_model` noted of a model. InputError: damaged."""
    try:
        return dict(read_json(record))
    except (ValueError, TypeError) as error:
        raise InputError(f"checkpoint {record}: damaged, not a JSON object ({error})") from error


def check_facts(stored: Mapping[str, Any], wanted: Mapping[str, Any], path: Path) -> None:
    """InputError for a wanted fact that is stored otherwise; a warning for one that is not stored."""
    wanted = json.loads(json.dumps(wanted))  # tuples become lists, as in the file
    differing = [
        f"{name} is {_short(stored[name])} in the file, {_short(value)} here"
        for name, value in wanted.items()
        if name in stored and stored[name] != value
    ]
    if differing:
        raise InputError(f"checkpoint {path}: made from other facts: {'; '.join(differing)}")
    if unknown := [name for name in wanted if name not in stored]:
        log.warning("checkpoint %s: no record of its %s, which cannot be verified", path, ", ".join(unknown))


def _short(value: Any) -> str:
    return textwrap.shorten(json.dumps(value), 80, placeholder=" ...")
