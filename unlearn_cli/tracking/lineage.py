"""What a run was made from and what it made, as artifacts: forget set, original, oracle, unlearned model."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.tracking.final import REFERENCES
from unlearn_cli.tracking.tracker import Artifact, Tracker

MODEL = ("model.safetensors", "delta.safetensors", "model.json")
"""Files of a model, whole or as what differs from the original."""
FORGET_SET = "forget.json"


def model_artifact(name: str, folder: Path) -> Artifact:
    """The model in that folder."""
    return Artifact(name, "model", [file for part in MODEL if (file := folder / part).is_file()])


def tell_lineage(tracker: Tracker, folder: Path, result: Mapping[str, Any], store: Path) -> None:
    """Tell what a finished run in that folder used, and which model it made, where the files are still there.

    A ready-made model has none in the store.
    """
    for artifact in _inputs(folder, result, store):
        tracker.used(artifact)
    if result["method"] not in REFERENCES.values():
        tracker.made(model_artifact(folder.name, folder))


def _inputs(folder: Path, result: Mapping[str, Any], store: Path) -> Iterator[Artifact]:
    chosen = folder / FORGET_SET
    if chosen.is_file() and (fingerprint := result["forget"].get("fingerprint")):
        yield Artifact(f"forget-set-{fingerprint}", "forget-set", [chosen])
    for model, key in (result.get("entries") or {}).items():
        yield model_artifact(f"{model}-{key}", store / "model" / key)
