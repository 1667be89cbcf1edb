"""What runs leave in their folders and in the store."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from unlearn_cli.methods.saliency import threshold


def run_folders(outputs: Path) -> list[Path]:
    return sorted(file.parent for file in outputs.rglob("status.json"))


def state(folder: Path) -> str:
    return json.loads((folder / "status.json").read_text())["state"]


def entries(store: Path, kind: str) -> list[Path]:
    """The complete entries of a kind."""
    return sorted(file.parent for file in store.glob(f"{kind}/*/entry.json"))


def weights(result: dict[str, Any]) -> dict[str, Tensor]:
    return load_file(Path(result["folder"]) / "model.safetensors")


def all_made_for(store: Path, kind: str, result: dict[str, Any], **facts: Any) -> list[Path]:
    """The store's entries of that kind with these facts, and the run's forget set if it is of one."""
    forget = json.loads((Path(result["folder"]) / "forget.json").read_text())["fingerprint"]
    records = {entry: json.loads((entry / "entry.json").read_text()) for entry in entries(store, kind)}
    wanted = facts | ({"forget": forget} if kind == "saliency" else {})
    return [e for e, record in records.items() if wanted.items() <= record["facts"].items()]


def made_for(store: Path, kind: str, result: dict[str, Any], **facts: Any) -> Path:
    """The only one of them."""
    (entry,) = all_made_for(store, kind, result, **facts)
    return entry


def original_of(store: Path, result: dict[str, Any]) -> Path:
    """The entry of the original model that the run of seed 0 started from."""
    facts = json.loads((Path(result["folder"]) / "model.json").read_text())
    return made_for(store, "model", result, seed=0, rows=facts["rows"], task=facts["task"])


def original_weights(store: Path, result: dict[str, Any]) -> dict[str, Tensor]:
    return load_file(original_of(store, result) / "model.safetensors")


def mask_of(store: Path, result: dict[str, Any], **facts: Any) -> dict[str, Tensor]:
    """The mask of mask.fraction=0.3, from the scores with these facts."""
    model = original_of(store, result).name
    entry = made_for(store, "saliency", result, model=model, **facts)
    return threshold(load_file(entry / "scores.safetensors"), 0.3)


def lasting(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what no two runs share: times, memory, paths."""
    kept = {key: value for key, value in result.items() if key not in ("folder", "choices")}
    for cost in ("cost", "original_cost", "oracle_cost"):
        if kept[cost]:
            kept[cost] = {k: v for k, v in kept[cost].items() if k in ("steps", "samples", "forwards")}
    return kept
