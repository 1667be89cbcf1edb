"""A model's folder from elsewhere is data: whatever its configuration says, no code comes of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from unlearn_cli.errors import InputError
from unlearn_cli.storage.files import read_json

CONFIGS = ("*config.json", "*_index.json", "*/*config.json")
SWITCH = "trust_remote_code"
ATTENTION = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal")
TOKENIZER = ("clean", "context_length", "language", "reduction_mask", "strip_sep_token")
"""What a CLIP may ask of its tokenizer: the words of open_clip's own configurations."""


def refuse_code(folder: Path, key: str) -> None:
    """Refuse a folder whose configuration asks for code: its own, or a kernel of the hub.

    What cannot be read is left to the library that reads it.

    Raises:
        InputError: one line that begins with `key` and names the file.
    """
    for file in sorted({file for pattern in CONFIGS for file in folder.glob(pattern) if file.is_file()}):
        try:
            content = read_json(file)
        except (OSError, ValueError):
            continue
        for name, value in _values(content):
            wants_code = name == SWITCH and value
            if wants_code or (name in ATTENTION and any("/" in text for text in _texts(value))):
                raise InputError(
                    f"{key}: {file} asks to run code ('{name}'), and a model's folder is data; "
                    "take that out, or give another model"
                )


@contextmanager
def no_code_is_offered() -> Iterator[None]:
    """transformers asks at the keyboard whether a model's code shall run, unless it was told; libraries that
    call it do not tell it."""
    from transformers import dynamic_module_utils

    seconds = dynamic_module_utils.TIME_OUT_REMOTE_CODE
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0  # no time to answer: refused
    try:
        yield
    finally:
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = seconds


def tokenizer_options(architecture: Any, key: str, name: str) -> dict[str, Any]:
    """What open_clip.get_tokenizer is to be called with for this architecture, so that it runs no code.

    Raises:
        InputError: the tokenizer is to be made with arguments that no tokenizer of open_clip takes.
    """
    text = architecture.get("text_cfg") if isinstance(architecture, Mapping) else None
    asked = (text.get("tokenizer_kwargs") if isinstance(text, Mapping) else None) or {}
    if not isinstance(asked, Mapping):
        raise InputError(f"{key}: text_cfg.tokenizer_kwargs of '{name}' holds no keys")
    if unknown := [option for option in asked if option not in TOKENIZER]:
        raise InputError(
            f"{key}: text_cfg.tokenizer_kwargs of '{name}' has '{unknown[0]}'; what a tokenizer takes is "
            f"{', '.join(TOKENIZER)}"
        )
    return {SWITCH: False} if text and text.get("hf_tokenizer_name") else {}


def _values(content: Any) -> Iterator[tuple[str, Any]]:
    """All keys at any depth, with their values."""
    left = [content]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield from node.items()
            left += node.values()
        elif isinstance(node, list):
            left += node


def _texts(value: Any) -> list[str]:
    parts = value.values() if isinstance(value, dict) else [value]
    return [text for text in parts if isinstance(text, str)]
