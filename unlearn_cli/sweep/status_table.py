"""What `unlearn status` prints, and the end of a sweep in which something failed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Column, Table
from rich.text import Text

from unlearn_cli.runtime import terminal
from unlearn_cli.runtime.text import KEPT, shown
from unlearn_cli.sweep.record import Item, Record, number_of_runs
from unlearn_cli.sweep.states import State

STYLES = {"finished": "green", "running": "cyan", "failed": "red", "killed": "red", "not run": "red"}


def show_status(record: Record, found: Mapping[str, State], items: Sequence[Item]) -> None:
    """These runs and prerequisites with their states; a job that failed with its log file."""
    table = Table(
        *(Column(name, overflow="fold", no_wrap=name == "state") for name in ("", "state", "")),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for item in items:
        state = found[item.folder]
        is_run = item in record.runs
        name = Text(shown(item.name if is_run else f"first: {item.name}"), style="" if is_run else "dim")
        detail = f"{state.detail}\n{item.log}" if item.log and state.over else state.detail
        table.add_row(name, Text(state.name, style=STYLES.get(state.name, "")), Text(shown(detail, KEPT)))
    console = terminal.console()
    counts = Counter(found[item.folder].name for item in record.runs)
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    console.print(f"sweep {shown(record.name)}: {number_of_runs(len(record.runs))}: {told}", highlight=False)
    console.print(table)
