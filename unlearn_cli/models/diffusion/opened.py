"""Parts of a diffusers folder, read so that a fault in them is told in a line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers.utils import logging as transformers_logging

from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.loaded import check_tensors, quiet

LOGGINGS = (diffusers_logging, transformers_logging)
FAULTS = (
    *(OSError, ValueError, TypeError, RuntimeError, AttributeError, LookupError),
    *(SafetensorError, UnpicklingError),
)
"""How reading a damaged part ends."""


@contextmanager
def faults_told(key: str, path: object, hint: str) -> Iterator[None]:
    """What the libraries raise of a damaged part of `path` becomes an InputError that begins with `key`."""
    try:
        yield
    except FAULTS as error:
        why = f"{type(error).__name__}: {in_a_line(error)}"
        raise InputError(f"{key}: '{path}' cannot be opened ({why}); {hint}") from error


def opened(kind: Any, folder: Path, whose: str, hint: str, key: str, variant: str | None = None) -> Any:
    """A part with weights, in fp32: `kind.from_pretrained(folder)`.

    whose: the part ("the unet of 'FOLDER'").
    InputError: tensors that are missing or foreign. What the library raises of a damaged part is left to
    `faults_told`.
    """
    with quiet(*LOGGINGS):
        part, info = kind.from_pretrained(
            folder, variant=variant, local_files_only=True, output_loading_info=True
        )
    check_tensors(info, whose, hint, key)
    return part.float()
