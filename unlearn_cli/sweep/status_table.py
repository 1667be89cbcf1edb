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


def _told(items: Sequence[Item], found: Mapping[str, State]) -> list[tuple[Item, str]]:
    """Each item with its name; of a pool the first one in each state, for all that are in it."""
    alike = Counter((item.pool, found[item.folder].name) for item in items)
    told: dict[tuple[str, str], tuple[Item, str]] = {}
    for item in items:
        state = found[item.folder].name
        count = alike[item.pool, state]
        whose = (item.folder if item.pool is None or count == 1 else item.pool, state)
        told.setdefault(whose, (item, item.name if whose[0] == item.folder else f"{item.pool} ×{count}"))
    return list(told.values())


def show_status(record: Record, found: Mapping[str, State], items: Sequence[Item]) -> None:
    """These runs and prerequisites with their states; a job that failed with its log file."""
    table = Table(
        *(Column(name, overflow="fold", no_wrap=name == "state") for name in ("", "state", "")),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for item, called in _told(items, found):
        state = found[item.folder]
        is_run = item in record.runs
        name = Text(shown(called if is_run else f"first: {called}"), style="" if is_run else "dim")
        detail = f"{state.detail}\n{item.log}" if item.log and state.over else state.detail
        table.add_row(name, Text(state.name, style=STYLES.get(state.name, "")), Text(shown(detail, KEPT)))
    console = terminal.console()
    counts = Counter(found[item.folder].name for item in record.runs)
    told = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    console.print(f"sweep {shown(record.name)}: {number_of_runs(len(record.runs))}: {told}", highlight=False)
    console.print(table)
