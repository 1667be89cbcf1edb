"""One's own runs held against a file of docs/results/: number by number where the settings are the same."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from unlearn_cli.compare.comparison import AGAIN, Row, Table
from unlearn_cli.compare.keys import BASE, Keys, setting_keys, token, value_text, variant_keys
from unlearn_cli.compare.published import Line, Part, Published
from unlearn_cli.compare.reported import Reported
from unlearn_cli.evaluation.floor import AVERAGE

UNSAID = {"judged_on": "test"}
"""What configurations leave out where it is so."""
MOVES_NO_RESULT = (
    *("device", "compile", "channels_last"),
    *("eval.save_logits", "eval.predictions", "eval.hidden", "eval.attacks"),
)
"""How it is computed; what is kept, or measured besides."""
SOME = 3
"""So many differences are named."""
Differences = dict[str, tuple[Any, Any]]
"""By key what it is here and there."""


def held_against(published: Published, table: Table) -> Table:
    """The table with the published numbers in its cells, and sentences on what lies outside of them.

    A row is held against the one of its method whose values differ least, if none do. What differs in the
    setting is told once, and nothing is held against anything then. Costs are the machine's: never held.
    """
    run = next(row.group.runs[0] for row in table.rows)
    told = [
        (part, differences(setting_keys(run), part.setting))
        for part in published.parts
        if part.setting and part.setting.keys() >= set(BASE)
    ]
    if not told:
        return _saying(
            table, f"{published.title}: it does not tell its settings, so nothing is held against it."
        )
    part, unlike = min(told, key=lambda one: _weight(one[1]))
    if unlike:
        said = f"Not held against “{published.title}”: {_listed(unlike)}."
        return _saying(table, said)
    rows, left_out = [], []
    for row in table.rows:
        line, why = _counterpart(row, part)
        rows.append(_beside(row, line) if line else row)
        left_out += [f"{row.name}: {why}"] if why else []
    held = replace(table, rows=rows)
    return _saying(held, *_said(published, held), *left_out)


def differences(here: Keys, there: Keys) -> Differences:
    """The keys that differ. One that only one has belongs to a choice that differs, or to another version,
    whose default is what was there before; classes may be renamed."""
    here, there = UNSAID | here, UNSAID | there
    told = [key for key in here if key in there and key not in MOVES_NO_RESULT]
    return {
        key: (here[key], there[key])
        for key in told
        if not key.endswith("_target_") and token(here[key]) != token(there[key])
    }


def _weight(unlike: Differences) -> tuple[int, int]:
    return len(unlike.keys() & set(BASE)), len(unlike)


def _listed(unlike: Differences) -> str:
    """`data is digits here and cifar10 there`; choices first."""
    keys = sorted(unlike, key=lambda key: (key not in BASE, key.count("."), key))
    first = [
        f"{key} is {value_text(unlike[key][0])} here and {value_text(unlike[key][1])} there" for key in keys
    ]
    more = len(first) - SOME
    return ", ".join(first[:SOME]) + (f" and {more} more" if more > 0 else "")


def _counterpart(row: Row, part: Part) -> tuple[Line | None, str | None]:
    """The line that a row is held against, or why there is none; neither of a row that has none anywhere."""
    if row.reference:
        return next((line for line in part.rows if line.method == row.name), None), None
    run = row.group.runs[0]
    lines = [line for line in part.rows if line.method == run.result["method"]]
    if not lines:
        return None, "not among the published."
    told = [(line, differences(variant_keys(run), line.keys)) for line in lines if line.keys]
    if not told:
        return None, "its published values were not kept."
    line, unlike = min(told, key=lambda one: len(one[1]))
    return (None, f"not held against the published, {_listed(unlike)}.") if unlike else (line, None)


def _beside(row: Row, line: Line) -> Row:
    measured = {key for run in row.group.runs for key in run.result["metrics"]} | {AVERAGE}
    cells = {
        key: replace(
            cell, reported=Reported("published", found.mean, found.sd, len(found.each) or len(line.seeds))
        )
        if key in measured and (found := line.values.get(key))
        else cell
        for key, cell in row.cells.items()
    }
    return replace(row, cells=cells)


def _said(published: Published, table: Table) -> Iterator[str]:
    verdicts: Mapping[bool | None, list[str]] = {True: [], False: [], None: []}
    for row in table.rows:
        for key, column in table.columns.items():
            if row.name != AGAIN and row.cells[key].reported and row.cells[key].value:
                verdicts[row.cells[key].within].append(f"{row.name} {column.meaning.name}")
    within, outside, unknown = verdicts[True], verdicts[False], verdicts[None]
    yield f"published: {published.title}; {published.about}."
    if within or outside:
        among = f"{len(within)} of {len(within) + len(outside)} numbers lie where they may be expected"
        beyond = f"; outside: {', '.join(outside)} (one in twenty does by chance)" if outside else ""
        yield f"{among}{beyond}."
    if unknown:
        few = "Cannot be told, the published being of fewer than three seeds or all equal"
        yield f"{few}: {', '.join(unknown)}."


def _saying(table: Table, *sentences: str) -> Table:
    return replace(table, said=[*table.said, *sentences])
