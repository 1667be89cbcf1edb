"""Where Hugging Face's libraries keep what they have read or fetched: a folder that must take files."""

import os
from pathlib import Path

from unlearn_cli.errors import InputError


def check_caches() -> None:
    """Refuse a cache folder that takes no files: its library would blame the data, or the model.

    Raises:
        InputError: names the folder and the variable that moves it.
    """
    from datasets.config import HF_DATASETS_CACHE
    from huggingface_hub.constants import HF_HUB_CACHE

    for own, folder in (("HF_DATASETS_CACHE", HF_DATASETS_CACHE), ("HF_HUB_CACHE", HF_HUB_CACHE)):
        if not _takes_files(Path(folder)):
            name = own if own in os.environ else "HF_HOME"
            raise InputError(
                f"{name}: '{folder}', where Hugging Face's libraries keep what they read, takes no files; "
                f"set {name}=FOLDER to one that does"
            )


def _takes_files(folder: Path) -> bool:
    """Whether the folder, or the nearest above it that exists, may be written."""
    there = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)
