"""Tensors in files that are whole or absent, and that execute nothing when they are read."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from unlearn_cli.errors import RunError
from unlearn_cli.storage.files import replacing


def write_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """A safetensors file. RunError if it cannot be written."""
    with replacing(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:
            raise RunError(
                f"{path}: cannot write ({error}); once that is mended, the same command goes on"
            ) from error
