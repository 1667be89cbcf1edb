"""What a library says of the weights that it has read, held to this: every tensor, and no other."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from unlearn_cli.errors import InputError


def check_tensors(loading_info: Mapping[str, Any], whose: str, hint: str, key: str = "model.path") -> None:
    """InputError: tensors that the file lacks, which the library draws at random, or that the model has not.

    loading_info: of `from_pretrained(..., output_loading_info=True)` in diffusers and transformers.
    whose: the part of the model ("the text_encoder of 'FOLDER'"); key: the setting that names it.
    """
    for kind, says in (("missing_keys", "lack {} tensors"), ("unexpected_keys", "hold {} foreign tensors")):
        if names := sorted(loading_info[kind]):
            raise InputError(
                f"{key}: the weights of {whose} {says.format(len(names))} (first: {names[0]}): "
                f"another architecture, or not whole; {hint}"
            )


@contextmanager
def quiet(*loggings: Any) -> Iterator[None]:
    """diffusers and transformers (their modules `logging`) leave it to us to say what does not fit."""
    before = [library.get_verbosity() for library in loggings]
    for library in loggings:
        library.set_verbosity(logging.CRITICAL)
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, verbosity in zip(loggings, before, strict=True):
            library.set_verbosity(verbosity)
