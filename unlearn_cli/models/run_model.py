"""The method's model in its run's folder, and the record of its making."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.models.checkpoint import load_into, save_model
from unlearn_cli.models.delta import DELTA, load_delta, save_delta
from unlearn_cli.storage.content import check_content, hashes
from unlearn_cli.storage.files import Damaged, set_aside, write_json
from unlearn_cli.storage.run_folder import CONFIG, ENVIRONMENT, UNSEALED
from unlearn_cli.storage.sealed import read_sealed, write_sealed

FILES = "files"
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

    def record(self) -> dict[str, Any] | None:
        """What was written last; None: nothing, or not whole, or damaged, and then the record goes aside."""
        file = self.folder / RECORD
        try:
            found = read_sealed(file)
            if not (isinstance(found.get("cost"), dict) and isinstance(found.get("history"), list)):
                raise Damaged("it is no record of a model")
            check_content(self.folder, found.pop(FILES, {}))
        except FileNotFoundError:
            return None
        except Damaged as error:
            set_aside(file, str(error), "run")
            return None
        return found

    def read(self, model: nn.Module) -> nn.Module:
        """A copy of the original, filled in place with what was written."""
        if self.original is not None:
            return load_delta(model, self.folder / DELTA, self.facts)
        return load_into(model, self.folder, self.facts)

    def write(self, model: nn.Module, record: dict[str, Any]) -> None:
        """The record has `cost` and `history`; of a delta it gains its size."""
        if self.original is not None:
            file = self.folder / DELTA
            save_delta(file, model, self.original, self.facts)
            record["cost"]["delta_mb"] = file.stat().st_size / 2**20
        else:
            save_model(self.folder, model, self.facts)
        write_json(self.folder / "history.json", record["history"])
        # with what the method has put beside it
        write_sealed(self.folder / RECORD, record | {FILES: hashes(self.folder, without=self._rewritten())})

    def _rewritten(self) -> list[str]:
        """What a resumed run writes anew, or goes on with."""
        return [*UNSEALED, CONFIG, ENVIRONMENT, *(file.name for file in self.folder.glob("*.resume.*"))]
