"""sweep.json: which runs a sweep has, and which jobs were submitted for them."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.sealed import read_sealed, write_sealed

FILE = "sweep.json"


@dataclass(frozen=True)
class Item:
    """A run or a prerequisite of a sweep."""

    name: str
    """A run's overrides; what a prerequisite is."""
    folder: str
    """The run folder, absolute. A prerequisite's is in the sweep's folder and holds status and log."""
    needs: list[str] = field(default_factory=list)
    """Names of the prerequisites that had to be made before it."""
    job: str | None = None
    """The scheduler's id of the job submitted for it last; None: it runs in the process of the command."""
    log: str | None = None
    """The job's own log file."""
    pool: str | None = None
    """What it is one of many of, that are told of together."""


def number_of_runs(count: int) -> str:
    """`1 run`, `2 runs`."""
    return "1 run" if count == 1 else f"{count} runs"


@dataclass(frozen=True)
class Record:
    """What `unlearn status` and `unlearn-compare` read of a sweep."""

    name: str
    command: list[str]
    runs: list[Item]
    prerequisites: list[Item]

    def save(self, folder: Path) -> None:
        """Raises InputError where the folder cannot be written."""
        try:
            write_sealed(folder / FILE, asdict(self))
        except OSError as error:
            raise InputError(
                f"paths.outputs: cannot write to '{folder}' ({error.strerror}); give a writable folder"
            ) from error

    @classmethod
    def load(cls, folder: Path) -> "Record":
        """Raises InputError where there is none, or one of another version."""
        file = folder / FILE
        try:
            return TypeAdapter(cls).validate_python(read_sealed(file))
        except FileNotFoundError as error:
            raise InputError(f"{folder}: no sweep's folder (it has no {FILE})") from error
        except (Damaged, ValueError) as error:
            raise InputError(
                f"{file}: not a record of this version of unlearn ({in_a_line(error)}); "
                "the sweep's command makes it anew"
            ) from error
