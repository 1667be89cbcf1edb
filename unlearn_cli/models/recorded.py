"""What a run of this program has written beside its model."""

from pathlib import Path
from typing import Any

from unlearn_cli.errors import InputError
from unlearn_cli.models.checkpoint import FACTS, WEIGHTS, read_facts
from unlearn_cli.models.input import Known
from unlearn_cli.models.own_weights import KEY

FOLDERS = "folders are for model=transformers, model=timm and model=diffusers"


def facts_beside(weights: Path) -> dict[str, Any]:
    """Of a model.safetensors its model.json; of any other file nothing. InputError: there is no file."""
    if not weights.is_file():
        told = "no file but a folder" if weights.is_dir() else "no such file"
        raise InputError(
            f"{KEY}: {told} '{weights}'; give a state dict: a .safetensors, .pt or .pth file ({FOLDERS})"
        )
    record = weights.with_name(FACTS)
    return read_facts(record) if weights.name == WEIGHTS and record.is_file() else {}


def recorded(weights: Path) -> Known:
    """What `facts_beside` says of the weights' preprocessing and outputs."""
    facts = facts_beside(weights)
    return Known(
        mean=facts.get("mean"),
        std=facts.get("std"),
        channels=facts.get("channels"),
        classes=facts.get("class_names"),
    )
