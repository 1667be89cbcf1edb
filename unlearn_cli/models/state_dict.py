"""Weight files from anywhere, read as plain tensors: no code in a file is ever executed."""

import argparse
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from unlearn_cli.errors import InputError
from unlearn_cli.storage.files import replacing

NESTED = ("state_dict", "model_state_dict", "model", "net")
"""Where training scripts put the weights among other things."""

WRAPPERS = ("module.", "_orig_mod.", "net.")
"""Prefixes of DataParallel, torch.compile and our `Normalised`."""
PLAIN = (str, int, float, bool, np.generic, type(None))
"""Of values that are no containers."""
BAGS_OF_VALUES: list[Any] = [
    argparse.Namespace,  # timm's training puts its arguments beside the weights
    np.dtype,  # many a script puts its best accuracy there, of which NumPy has made a number
    *((np.float64(0).__reduce__()[0], f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    *(type(np.dtype(kind)) for kind in ("?", "i4", "i8", "f4", "f8")),
]
"""Beside tensors and what Python itself has: classes of which no code is run."""


@dataclass(frozen=True)
class StateFile:
    """A file of weights, with what it holds beside them, so that others can be written in their place."""

    path: Path
    content: Any
    """All that it holds."""
    nesting: tuple[str, ...]
    """The keys that lead to the state dict."""
    state: dict[str, Tensor]
    """Tensors, on the CPU, by the names that the file gives them."""
    is_safetensors: bool
    """Else a checkpoint of torch."""

    @classmethod
    def read(cls, path: Path) -> "StateFile":
        """A file of safetensors or a torch checkpoint (.pt, .pth, .tar, ...).

        InputError for a file that is missing, damaged or holds more than tensors and plain values.
        """
        if not path.is_file():
            raise InputError(
                f"checkpoint {path}: no such file; give a run's folder, a .safetensors or a .pt file"
            )
        if not path.stat().st_size:
            raise InputError(f"checkpoint {path}: damaged, it is empty; copy or save it once more")
        content, is_safetensors = _load(path)
        state = content
        if not isinstance(state, Mapping):
            raise InputError(f"checkpoint {path}: holds a {type(state).__name__}; save model.state_dict()")
        nesting: tuple[str, ...] = ()
        while key := next((key for key in NESTED if isinstance(state.get(key), Mapping)), None):
            nesting, state = (*nesting, key), state[key]
        if not state or not all(isinstance(name, str) and isinstance(state[name], Tensor) for name in state):
            raise InputError(
                f"checkpoint {path}: holds no state dict (names and tensors); save model.state_dict()"
            )
        return cls(path, content, nesting, dict(state), is_safetensors)

    def write(self, path: Path, state: Mapping[str, Tensor]) -> None:
        """The same file with these tensors: their names, their place, and the plain values around them.

        Whatever else holds tensors is left out: the optimiser's state and averaged weights know the rows yet.
        """
        tensors = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in state.items()
        }
        with replacing(path) as temporary:
            if self.is_safetensors:
                save_file(tensors, temporary, metadata={"format": "pt"})
            else:
                save_torch(_in_place(self.content, self.nesting, tensors), temporary)


def save_torch(content: Any, path: Path) -> None:
    """torch.save, the same bytes wherever it is: given a path, it writes the file's name into the file."""
    with path.open("wb") as opened:
        torch.save(content, opened)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Names and tensors of a file, as `StateFile.read`.

    Names come without the prefixes of wrappers, and without the statistics of a normalisation layer
    (`normalize.*` in SalUn's checkpoints), which here belong to the data.
    """
    state = StateFile.read(path).state
    while prefix := next((p for p in WRAPPERS if state and all(key.startswith(p) for key in state)), None):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {key: value for key, value in state.items() if not key.startswith("normalize.")}


def _in_place(content: Any, nesting: tuple[str, ...], tensors: dict[str, Tensor]) -> Any:
    if not nesting:
        return tensors
    key, *below = nesting
    others = {name: value for name, value in content.items() if name != key and _is_plain(value)}
    return {**others, key: _in_place(content[key], tuple(below), tensors)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, argparse.Namespace):
        return _is_plain(vars(value))
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, PLAIN)


def _is_safetensors(path: Path) -> bool:
    """By its name; by its first bytes where that says nothing, as in the hub's cache: a length, then JSON."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as opened:
        return opened.read(9)[8:] == b"{"


def _load(path: Path) -> tuple[Any, bool]:
    """All that it holds; whether it is a file of safetensors."""
    try:
        if _is_safetensors(path):
            return load_file(path), True
        with torch.serialization.safe_globals(BAGS_OF_VALUES), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that others wrote
            # mapped, for of most files that are opened some names alone are needed
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path)), False
    except pickle.UnpicklingError as error:
        raise InputError(
            f"checkpoint {path}: refused, it is damaged or would run code when read; "
            "save the tensors alone: torch.save(model.state_dict(), ...)"
        ) from error
    except Exception as error:  # a damaged pickle may fail in any way
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise InputError(f"checkpoint {path}: damaged or unreadable ({reason})") from error
