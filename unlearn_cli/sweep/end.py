"""What is said at the end of a sweep."""

from pathlib import Path

from unlearn_cli.errors import RunError
from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.sweep.follow import states
from unlearn_cli.sweep.record import Item, Record
from unlearn_cli.sweep.states import State
from unlearn_cli.sweep.status_table import show_status


def finish(folder: Path, record: Record) -> None:
    """Sum the sweep up: the comparison of what is finished, and what is not and why.

    Raises:
        RunError: a run is not finished.
    """
    from unlearn_cli.compare.report import summarise  # takes a second, which `unlearn plan` need not wait

    found = states(record, {})
    if is_main_process():
        summarise(folder)
    if failed := [item for item in record.runs if found[item.folder].name != "finished"]:
        show_status(
            record, found, [item for item in record.prerequisites if found[item.folder].over] + failed
        )
        raise RunError(
            f"{len(failed)} run(s) of the sweep failed:\n"
            + "\n".join(f"  {item.name}: {_reason(item, found[item.folder])}" for item in failed)
            + "\nthe same command makes what is missing"
        )


def _reason(item: Item, state: State) -> str:
    detail = state.detail or state.name
    return f"{detail} (log: {item.log})" if item.log else detail
