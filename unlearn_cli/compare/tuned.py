"""How the values of a table's rows were chosen: `unlearn tune` has noted it in the runs' configurations."""

from collections.abc import Mapping
from typing import Any

from unlearn_cli.compare.comparison import Table
from unlearn_cli.compare.keys import token
from unlearn_cli.compare.records import Run
from unlearn_cli.config.nested import flat
from unlearn_cli.config.tuned_for import told


def tuned(table: Table) -> list[str]:
    """A sentence on the trials of each row, and a warning where not all had as many; none of no trial."""
    rows = [row for row in table.rows if not row.reference]
    told = {row.name: dict.fromkeys(map(_told, row.group.runs)) for row in rows}
    by_text: dict[str, list[str]] = {}
    for name, texts in told.items():
        for text in texts:
            by_text.setdefault(text, []).append(name)
    untuned = by_text.pop("", [])
    if not by_text:
        return []
    said = [f"Values of {', '.join(names)}: {text}, on validation rows." for text, names in by_text.items()]
    if untuned:
        said.append(f"Unequal budgets: no trial is known of {', '.join(untuned)}.")
    elif len({_trials(run) for row in rows for run in row.group.runs}) > 1:
        said.append("Unequal budgets: a row of more trials had more chances.")
    return said


def _told(run: Run) -> str:
    """`the best of 20 trials each on seed 0 by avg_gap`; empty where the run tells of none.

    With the setting of the trials where it is not the run's, and what was typed in place of chosen values.
    """
    tuning = _tuning(run)
    if not tuning:
        return ""
    seeds = tuning.get("seeds")
    listed = [str(seed) for seed in seeds] if isinstance(seeds, list) else []
    of = f" on seed{'s' * (len(listed) > 1)} {', '.join(listed)}" if listed else ""
    chosen = f"the best of {tuning['trials']} trials each{of} by {tuning.get('objective')}"
    beside = [f"with {told(elsewhere)}"] if (elsewhere := run.result.get("tuned_for")) else []
    beside += [f"but for {', '.join(typed)}, typed in its place"] if (typed := _typed(run, tuning)) else []
    return f"{chosen} ({'; '.join(beside)})" if beside else chosen


def _typed(run: Run, tuning: Mapping[str, Any]) -> list[str]:
    """Keys that have another value than the one chosen."""
    chosen, values = tuning.get("values"), dict(flat(run.config, "."))
    told = chosen.items() if isinstance(chosen, dict) else ()
    return [key for key, value in told if token(values.get(key)) != token(value)]


def _trials(run: Run) -> int | None:
    return _tuning(run).get("trials")


def _tuning(run: Run) -> Mapping[str, Any]:
    found = run.config.get("tuning")
    return found if isinstance(found, dict) and isinstance(found.get("trials"), int) else {}
