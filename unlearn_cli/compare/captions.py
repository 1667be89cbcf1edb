"""The sentences under a table, and the lines in a cell: what every output but the CSV says in words."""

from collections.abc import Sequence
from math import isfinite

from unlearn_cli.compare.comparison import DESTROYED, OUTSIDE, TIED, Cell, Options, Row, Table
from unlearn_cli.compare.keys import differing, setting_keys, variant_keys
from unlearn_cli.compare.numbers import ABSENT, number
from unlearn_cli.compare.statistics import ALPHA, INTERVALS, LEVEL, Estimate


def mean(cell: Cell, unit: str) -> str:
    """The mean; a change has its sign."""
    if cell.value is None:
        return ABSENT
    return signed(cell.value.mean, unit) if cell.signed else number(cell.value.mean, unit)


def signed(value: float, unit: str) -> str:
    """`+0.10`, `−0.10`."""
    return ("−" if value < 0 else "+") + number(abs(value), unit)


def deviation(found: Estimate, unit: str) -> str:
    """The standard deviation, with no more decimals than the mean."""
    return number(round(found.std or 0) if isinstance(found.mean, int) else found.std, unit)


def main_line(row: Row, cell: Cell, unit: str) -> str:
    """`2.85 ± 0.43 (2.39)`: value and, where there is an oracle, gap; n where some runs lack the metric."""
    line = mean(cell, unit)
    if cell.value and cell.value.std is not None:
        line += f" ± {deviation(cell.value, unit)}"
    if cell.gap:
        line += f" ({number(cell.gap.mean, unit)})"
    return line if cell.value is None or cell.value.n == row.n else f"{line} n={cell.value.n}"


def interval_line(cell: Cell, unit: str) -> str | None:
    """`[1.78, 3.92]`."""
    if cell.value is None or cell.value.low is None:
        return None
    return f"[{number(cell.value.low, unit)}, {number(cell.value.high, unit)}]"


def paper_line(cell: Cell, unit: str) -> str | None:
    """`paper 2.85 ± 0.43: +0.10`, the difference marked if it is larger than the paper's deviation."""
    if cell.paper is None:
        return None
    theirs, std = cell.paper
    line = f"paper {number(theirs, unit)}" + ("" if std is None else f" ± {number(std, unit)}")
    return line if cell.difference is None else f"{line}: {difference(cell, unit)}"


def difference(cell: Cell, unit: str) -> str:
    """Ours − the paper's with its sign and mark."""
    ours = cell.difference
    assert ours is not None
    return signed(ours, unit) + (OUTSIDE if cell.outside else "")


def lines(row: Row, cell: Cell, unit: str) -> list[str]:
    """All that a cell says."""
    found = (main_line(row, cell, unit), interval_line(cell, unit), paper_line(cell, unit))
    return [line for line in found if line is not None]


def legend(tables: Sequence[Table], options: Options, intervals: bool = True) -> list[str]:
    """What the numbers and marks of these tables mean."""
    rows = [row for table in tables for row in table.rows]
    cells = [row.cells[key] for table in tables for row in table.rows for key in table.columns]
    said = "Mean ± standard deviation over n runs"
    if any(cell.gap for cell in cells):
        said += " (mean distance to the retrain oracle of the same seed)"
    if intervals:
        said += f" [{LEVEL * 100:.0f} % confidence interval of the mean, {INTERVALS[options.interval]}]"
    found = [f"{said}."]
    if any(cell.signed for cell in cells):
        found.append(
            "a → b: change from a to b, mean over the n seeds that both have "
            "(several runs of a seed are averaged first)."
        )
    if any(row.best for row in rows):
        meaning = next(table.aim for table in tables if table.aim)
        aim = f"distance to the oracle in {meaning.name}" if meaning.better == "oracle" else meaning.name
        found.append(f"Bold: best by {aim}.")
        found.append(
            f"{TIED}: not distinguishable from the best (paired t-test over common seeds, p > {ALPHA:g})."
        )
    if any(cell.paper for cell in cells):
        found.append(
            "paper: its mean and deviation, then ours − the paper's; "
            f"{OUTSIDE}: farther from it than its deviation (where it gives one)."
        )
    if any(not isfinite(cell.value.mean) for cell in cells if cell.value):
        found.append("nan, inf: of at least one run; such a mean has no deviation and no rank.")
    return found


def notes(table: Table, by: Sequence[str]) -> list[str]:
    """What is to be said of this table alone: warnings, what was not tested, the paper, its own notes."""
    said = [
        f"{DESTROYED} {row.name}, {len(row.warnings)} of {len(row.group.runs)} runs: {row.warnings[0]}"
        for row in table.rows
        if row.warnings
    ]
    said += _unranked(table) + _pooled(table, by)
    if sources := dict.fromkeys(row.source for row in table.rows if row.source):
        said.append(f"paper: {'; '.join(sources)}.")
    return [*said, *table.said]


def _unranked(table: Table) -> list[str]:
    if table.aim is None:
        return []
    meaning = table.aim
    compared = [row for row in table.rows if not row.reference]
    if compared and not any(row.best for row in compared):
        return [f"Not ranked: no {meaning.name} ({meaning.text}); --rank-by takes any other metric."]
    untested = [row.name for row in compared if row.place and not row.best and row.place.p is None]
    if not untested:
        return []
    return [f"Not tested against the best, for want of two common seeds: {', '.join(untested)}."]


def _pooled(table: Table, by: Sequence[str]) -> list[str]:
    """With `--by`: what the runs of a row differ in besides their seeds."""
    if not by:
        return []
    pooled = dict.fromkeys(
        key
        for row in table.rows
        if not row.reference
        for key in differing([setting_keys(run) | variant_keys(run) for run in row.group.runs])
    )
    named = [key for key in pooled if not key.endswith("_target_")]
    return [f"Rows pool runs that differ in {', '.join(named)}."] if named else []
