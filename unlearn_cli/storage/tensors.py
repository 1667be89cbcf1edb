"""Tensors in files that are whole or absent, and that execute nothing when they are read."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from unlearn_cli.errors import RunError, in_a_line
from unlearn_cli.storage.files import Damaged, replacing

CHECKSUM = "sha256"
"""The key of a file's metadata that tells whether the file is as it was written."""


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """A safetensors file with a checksum. RunError if it cannot be written."""
    told = metadata or {}
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, told | {CHECKSUM: _checksum(tensors, told)})
        except SafetensorError as error:
            raise RunError(
                f"{path}: cannot write ({error}); once that is mended, the same command goes on"
            ) from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """A safetensors file, on the CPU; one without a checksum (another program's) is taken as it is.

    Raises:
        Damaged: empty, cut, changed since, no such file. FileNotFoundError, PermissionError.
    """
    try:
        with safe_open(path, "pt") as file:
            told = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, SafetensorError) as error:
        raise Damaged(in_a_line(error)) from error
    if told.pop(CHECKSUM, None) not in (None, _checksum(tensors, told)):
        raise Damaged("it has changed")
    return tensors


def _checksum(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    content = hashlib.sha256(json.dumps(sorted(metadata.items())).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        content.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        row = tensor.contiguous().as_strided((tensor.numel(),), (1,))  # one element may have any stride
        content.update(row.view(torch.uint8).numpy().data)
    return content.hexdigest()
