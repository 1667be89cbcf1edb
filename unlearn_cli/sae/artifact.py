"""A concept in one small file: the latents that an edit needs, and what it does with them."""

import json
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.sae.attachment import Attachment, hook_of, layer_of
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder
from unlearn_cli.sae.edit import Edit, attach_edit
from unlearn_cli.storage.tensors import write_tensors

CONCEPT = "concept.safetensors"
FAULTS = (OSError, SafetensorError, ValueError, KeyError, TypeError, RuntimeError, IndexError, InputError)


def save_edit(path: Path, sae: SparseAutoencoder, edit: Edit, facts: Mapping[str, Any]) -> None:
    """Write the edit with the part of the autoencoder that it needs (of topk: the whole), whole or absent.

    Args:
        facts: JSON values. `attach_file` needs "layer", its name in the model, and "tokens", how many leading
            tokens are left alone; others (concept, model, data, …) are for the reader.

    Raises:
        RunError: the edit has no latent; the file cannot be written.
    """
    if not len(edit.latents):
        raise RunError(f"{path}: the edit selects no latent, so there is nothing to save")
    if sae.separable:
        sae, edit = sae.part(edit.latents), edit.alone()
    tensors = {f"sae.{name}": value for name, value in sae.state_dict().items()}
    tensors |= {f"edit.{name}": value for name, value in edit.state_dict().items()}
    metadata = {"autoencoder": json.dumps(sae.facts), "facts": json.dumps(dict(facts))}
    write_tensors(path, {name: value.cpu().contiguous() for name, value in tensors.items()}, metadata)


def load_edit(path: Path) -> tuple[SparseAutoencoder, Edit, dict[str, Any]]:
    """The autoencoder, the edit of it and the facts of a file of `save_edit`, on the CPU.

    Raises:
        InputError: no such file, a damaged one, or one of another kind.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
        facts = dict(json.loads(metadata["facts"]))
        dictionary = Dictionary(**json.loads(metadata["autoencoder"])["dictionary"])
        sae = SparseAutoencoder.of(dictionary, _under("sae.", tensors))
        parts = _under("edit.", tensors)
        every = torch.ones_like(parts["factor"], dtype=torch.bool)
        edit = Edit(every, parts["factor"], parts["threshold"], parts["offset"])
        edit.load_state_dict(parts)
        sae.decoder.weight[:, edit.latents]  # they are numbers of its latents
    except FAULTS as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise InputError(f"{path}: no edit of a concept to be read there ({reason})") from error
    return sae, edit, facts


def attach_file(model: nn.Module, *paths: Path | str) -> list[Attachment]:
    """Concepts' files at work on a plain model of transformers, diffusers or PyTorch; all of them, or none.

    Those of one layer add up: see `attach`.

    Raises:
        InputError: a file that is none or has groups (timesteps), a layer that the model lacks or that is of
            another width (where no weight of it tells, at the first pass).
    """
    loaded = [(Path(path), *load_edit(Path(path))) for path in paths]
    for path, sae, edit, facts in loaded:
        if not (isinstance(facts.get("layer"), str) and isinstance(facts.get("tokens"), int)):
            raise InputError(f"{path}: does not tell the 'layer' and the leading 'tokens' to leave alone")
        if len(edit.factor) > 1:
            raise InputError(f"{path}: an edit in {len(edit.factor)} groups; a plain model tells no group")
        shapes = shapes_of(layer_of(model, facts["layer"]))
        if shapes and sae.dimension not in chain(*shapes):
            raise InputError(
                f"{path}: made for activations of length {sae.dimension}, those of '{facts['layer']}' are of "
                f"length {shapes[-1][0]}; give the model that it was made for"
            )
    return [attach_edit(model, facts["layer"], sae, edit, facts["tokens"]) for _, sae, edit, facts in loaded]


def shapes_of(layer: nn.Module) -> list[torch.Size]:
    """Of the layer's own parameters; the first dimension of the last is mostly the width of its output."""
    hook = hook_of(layer)
    attached = tuple(f"{place}." for place in hook.rules) if hook else ()
    return [value.shape for name, value in layer.named_parameters() if not name.startswith(attached)]


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
