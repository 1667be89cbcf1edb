"""What a run has left in its folder and in the store, but for what no two runs share."""

import json
from pathlib import Path
from typing import Any

import torch
from run_results import lasting
from safetensors import safe_open
from torch import Tensor

PRESENT = (".lock", "log.txt", "table.md", "environment.json")
"""What tells of times and machines: it is there, whatever it says."""
OF_THE_MACHINE = ("seconds", "peak_memory_mb")
"""Values in files of which the rest is compared."""


def left(folder: Path) -> dict[str, Any]:
    """What matters of each file below, by its path."""
    return {
        file.relative_to(folder).as_posix(): _told(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def differences(whole: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """A line for each file that is missing, left behind or another."""
    return [
        *(f"missing: {name}" for name in whole if name not in now),
        *(f"left behind: {name}" for name in now if name not in whole),
        *(f"differs: {name}" for name, told in whole.items() if name in now and now[name] != told),
    ]


def _told(file: Path) -> Any:
    if file.name.endswith(PRESENT):
        return None
    if file.name == "status.json":
        return json.loads(file.read_text())["state"]
    if file.name == "entry.json":
        entry = json.loads(file.read_text())
        return entry["facts"], sorted(entry["files"])
    if file.name in ("cost.json", "forget.json"):
        return _without_time(json.loads(file.read_text()))
    if file.name == "selection.pt":
        return _plain(_without_time(torch.load(file, weights_only=True)))
    if file.name == "metrics.json" and "choices" in (found := json.loads(file.read_text())):
        return _without_time(lasting(found))
    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as opened:  # whose metadata are in no order
            return opened.metadata(), {name: _bits(opened.get_tensor(name)) for name in opened.keys()}  # noqa: SIM118
    return file.read_bytes()


def _without_time(told: Any) -> Any:
    """Nested values but for those of the clock and of memory, which no two runs share."""
    if not isinstance(told, dict):
        return told
    return {key: _without_time(value) for key, value in told.items() if key not in OF_THE_MACHINE}


def _plain(told: Any) -> Any:
    """Values that compare as wholes, tensors by their bits."""
    if isinstance(told, dict):
        return {key: _plain(value) for key, value in told.items()}
    return _bits(told) if isinstance(told, Tensor) else told


def _bits(x: Tensor) -> tuple[str, torch.Size, bytes]:
    return str(x.dtype), x.shape, x.reshape(-1).view(torch.uint8).numpy().tobytes()
