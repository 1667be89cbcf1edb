"""What a run of this program has written beside its model."""

from pathlib import Path

from unlearn_cli.errors import InputError
from unlearn_cli.models.checkpoint import FACTS, WEIGHTS, read_facts
from unlearn_cli.models.input import Known
from unlearn_cli.models.own_weights import KEY


def recorded(weights: Path) -> Known:
    """Of a model.safetensors with its model.json; of any other file nothing. InputError: there is no file."""
    if not weights.is_file():
        told = "no file but a folder" if weights.is_dir() else "no such file"
        raise InputError(f"{KEY}: {told} '{weights}'; give a state dict: a .safetensors, .pt or .pth file")
    record = weights.with_name(FACTS)
    if weights.name != WEIGHTS or not record.is_file():
        return Known()
    facts = read_facts(record)
    return Known(
        mean=facts.get("mean"),
        std=facts.get("std"),
        channels=facts.get("channels"),
        classes=facts.get("class_names"),
    )
