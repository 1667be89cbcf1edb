"""What was found, in a table."""

import shlex
from collections.abc import Sequence

from rich import box
from rich.table import Table

from unlearn_cli.config.spelling import as_typed
from unlearn_cli.evaluation.objective import is_destroyed
from unlearn_cli.runtime import terminal
from unlearn_cli.tuning.found import Found, told_score


def show(found: Sequence[Found]) -> None:
    """Print it, and how it is taken."""
    objective = found[0].objective
    arrow = "↑" if objective.is_higher_better else "↓"
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False)
    for name in ("method", "trials", "destroyed", "failed", f"{objective.name} {arrow}", "in force", "trial"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True)
    table.add_column("values")
    for one in found:
        destroyed = sum(any(is_destroyed(r) for r in trial.results if r) for trial in one.trials)
        table.add_row(
            one.setting.method,
            str(len(one.trials)),
            str(destroyed),
            str(sum(trial.reason is not None for trial in one.trials)),
            told_score(one.score(one.best)),
            told_score(one.score(one.trials[0])),
            str(one.best.number),
            " ".join(f"{key.removeprefix('method.')}={as_typed(value)}" for key, value in one.values.items()),
        )
    console = terminal.console()
    console.print(table)
    for one in found:
        for doubt in one.doubts:
            console.print(f"{one.setting.method}: {doubt}", style="yellow", soft_wrap=True, markup=False)
    methods = ",".join(one.setting.method for one in found)
    taking = shlex.join([*(["-m"] if len(found) > 1 else []), f"method={methods}", *found[0].request.taking])
    console.print(f"to take them: unlearn {taking}", soft_wrap=True, markup=False)
    for one in found:
        console.print(str(one.place), style="dim", soft_wrap=True)
