"""Samples of what runs code when it is read carelessly. All that they would do is to make a folder."""

import json
import os
from pathlib import Path

import numpy as np
import torch


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, proof: Path):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


def evil_pickle(file: Path, proof: Path) -> Path:
    """A torch checkpoint; it works."""
    torch.save({"weight": Evil(proof)}, file)
    torch.load(file, weights_only=False)
    proof.rmdir()
    return file


def evil_array(file: Path, proof: Path) -> Path:
    """An array of objects, as numpy pickles them; it works."""
    np.save(file, np.array([Evil(proof)], dtype=object), allow_pickle=True)
    np.load(file, allow_pickle=True)
    proof.rmdir()
    return file


def evil_module(file: Path, proof: Path) -> Path:
    """Python that runs when it is imported."""
    file.write_text(f"import os\nos.mkdir({str(proof)!r})\nclass Evil:\n    pass\n")
    return file


def changed(file: Path, *keys: str, value: object) -> None:
    """A JSON file with another value at that place."""
    content = node = json.loads(file.read_text()) if file.exists() else {}
    for key in keys[:-1]:
        node = node.setdefault(key, {})
    node[keys[-1]] = value
    file.write_text(json.dumps(content))
