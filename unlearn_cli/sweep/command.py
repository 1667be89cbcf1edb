"""`unlearn status`: how a sweep goes, from its run folders and the queue."""

from pathlib import Path

from unlearn_cli.errors import InputError
from unlearn_cli.runtime.arguments import Parser
from unlearn_cli.sweep.follow import states
from unlearn_cli.sweep.queue import queue
from unlearn_cli.sweep.record import FILE, Record
from unlearn_cli.sweep.status_table import show_status


def status(arguments: list[str]) -> None:
    """Print the table of each sweep named, or of the latest.

    Raises:
        InputError: no such sweep.
    """
    parser = Parser(
        prog="unlearn status",
        description="The runs of a sweep: queued, running (at what), finished, failed (why), preempted.",
    )
    parser.add_argument(
        "folder",
        nargs="*",
        type=Path,
        default=[Path("outputs")],
        help="a sweep's folder, or one that holds sweeps: the latest is shown (default: outputs)",
    )
    waiting = queue()
    for folder in parser.parse_args(arguments).folder:
        record = Record.load(_sweep(folder))
        show_status(record, states(record, waiting), record.prerequisites + record.runs)


def _sweep(folder: Path) -> Path:
    """The folder itself, or the latest sweep below it."""
    if (folder / FILE).exists():
        return folder
    sweeps = [*folder.glob(f"sweeps/*/{FILE}"), *folder.glob(f"*/{FILE}")]
    if not sweeps:
        raise InputError(f"{folder}: no sweep here; give the folder of one, outputs/sweeps/…")
    return max(sweeps, key=lambda file: file.stat().st_mtime).parent
