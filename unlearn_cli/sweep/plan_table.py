"""What `unlearn plan` prints."""

from collections import Counter

from rich import box
from rich.table import Column, Table
from rich.text import Text

from unlearn_cli.runtime import terminal
from unlearn_cli.runtime.text import duration_text, shown
from unlearn_cli.sweep.plan import Plan
from unlearn_cli.sweep.record import number_of_runs
from unlearn_cli.sweep.status_table import STYLES


def show_plan(found: Plan, before: bool) -> None:
    """The runs; of what they share what is there and what would be made; how long it would take.

    before: what is missing and shared is made before the runs, in jobs of its own.
    """
    console = terminal.console()
    table = Table(
        Column("run", overflow="fold"),
        *(Column(name, no_wrap=True) for name in ("state", "time")),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for run, state in zip(found.runs, found.states(), strict=True):
        time = "" if state.name == "finished" else _time(run.seconds)
        table.add_row(shown(run.overrides), Text(state.name, style=STYLES.get(state.name, "")), time)
    runs, to_do = number_of_runs(len(found.runs)), len(found.to_do)
    console.print(f"sweep {found.name}: {runs}, {to_do} to do", highlight=False)
    console.print(table)
    shared = Table("shared", "in the store", "to make", "time", box=box.SIMPLE_HEAD, pad_edge=False)
    made = Counter(kind.name for kind in found.made.values())
    missing = Counter(item.kind.name for item in found.missing.values())
    first = Counter(item.kind.name for item in found.first().values())
    for name in dict.fromkeys([*made, *missing]):
        times = [item.seconds for item in found.missing.values() if item.kind.name == name]
        jobs = f"{missing[name]} ({first[name]} as jobs of their own)" if before else str(missing[name])
        each = _time(next(filter(None, times), None)) if any(times) or name in ("original", "oracle") else ""
        shared.add_row(name, str(made[name]), jobs if missing[name] else "0", each and f"{each} each")
    if shared.row_count:
        console.print(shared)
    console.print(_total(found), highlight=False)


def _total(found: Plan) -> str:
    """The sum of what can be estimated, and how much cannot."""
    trained = [item.seconds for item in found.missing.values() if item.kind.entry]
    times = [run.seconds for run in found.to_do] + trained
    known = [time for time in times if time is not None]
    if not times:
        return "nothing to do"
    if not known:
        return "time: nothing like it has been measured yet"
    unknown = len(times) - len(known)
    more = f", without {unknown} of {len(times)} parts that were never measured" if unknown else ""
    return f"time: about {duration_text(sum(known))} of computing, one after another{more}"


def _time(seconds: float | None) -> str:
    return "?" if seconds is None else duration_text(seconds)
