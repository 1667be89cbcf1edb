"""The method's model in its run's folder, and the record of its making."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.models.checkpoint import load_into, save_model
from unlearn_cli.models.delta import DELTA, load_delta, save_delta
from unlearn_cli.storage.files import read_json, write_json

RECORD = "unlearn.resume.json"
"""The record's file: it is written last, as the sign that all is there, and goes once the run is finished."""


@dataclass(frozen=True)
class RunModel:
    """Written whole, or as what differs from the original."""

    folder: Path
    original: nn.Module | None
    """Given where the difference is enough; None: the model is written whole."""
    facts: Mapping[str, Any]
    """What determines the model; another one in the folder is refused."""

    def is_there(self) -> bool:
        return (self.folder / RECORD).exists()

    def read(self, model: nn.Module) -> tuple[nn.Module, dict[str, Any]]:
        """A copy of the original, filled in place with what was written; the record."""
        if self.original is not None:
            model = load_delta(model, self.folder / DELTA, self.facts)
        else:
            model = load_into(model, self.folder, self.facts)
        return model, read_json(self.folder / RECORD)

    def write(self, model: nn.Module, record: dict[str, Any]) -> None:
        """The record has `cost` and `history`; of a delta it gains its size."""
        if self.original is not None:
            file = self.folder / DELTA
            save_delta(file, model, self.original, self.facts)
            record["cost"]["delta_mb"] = file.stat().st_size / 2**20
        else:
            save_model(self.folder, model, self.facts)
        write_json(self.folder / "history.json", record["history"])
        write_json(self.folder / RECORD, record)
