"""What a cell says, in lines."""

from unlearn_cli.compare.comparison import OUTSIDE, Cell, Row
from unlearn_cli.compare.numbers import ABSENT, number
from unlearn_cli.compare.statistics import Estimate

HUNDRED = 100
"""From here on a number of floors has no decimals."""


def mean(cell: Cell, unit: str) -> str:
    """The mean; a change has its sign."""
    if cell.value is None:
        return ABSENT
    return signed(cell.value.mean, unit) if cell.signed else number(cell.value.mean, unit)


def signed(value: float, unit: str) -> str:
    """`+0.10`, `−0.10`."""
    return ("−" if value < 0 else "+") + number(abs(value), unit)


def deviation(found: Estimate, unit: str) -> str:
    """The standard deviation, with the decimals of the mean."""
    return number(round(found.std or 0) if isinstance(found.mean, int) else found.std, unit, found.mean)


def in_floors(times: float) -> str:
    """`2.1 ×`: a gap in units of the floor."""
    return f"{times:,.{1 if times < HUNDRED else 0}f} ×"


def main_line(row: Row, cell: Cell, unit: str) -> str:
    """`2.85 ± 0.43 (2.39; 2.1 ×)`: value; where there is an oracle, gap, and in units of the floor where the
    metric ranks; n where some runs lack the metric."""
    line = mean(cell, unit)
    if cell.value and cell.value.std is not None:
        line += f" ± {deviation(cell.value, unit)}"
    if near := beside(cell, unit):
        line += f" ({near})"
    return line if cell.value is None or cell.value.n == row.n else f"{line} n={cell.value.n}"


def beside(cell: Cell, unit: str) -> str:
    """`2.39; 2.1 ×`: what stands in brackets, if anything."""
    found = [number(cell.gap.mean, unit)] if cell.gap else []
    return "; ".join(found + ([in_floors(cell.times)] if cell.times is not None else []))


def interval_line(cell: Cell, unit: str) -> str | None:
    """`[1.78, 3.92]`."""
    if cell.value is None or cell.value.low is None:
        return None
    low, high = (number(end, unit, cell.value.mean) for end in (cell.value.low, cell.value.high))
    return f"[{low}, {high}]"


def reported_line(cell: Cell, unit: str) -> str | None:
    """`paper 2.85 ± 0.43: +0.10`, the difference marked if it is larger than it may be expected to be."""
    if cell.reported is None:
        return None
    line = f"{cell.reported.source} {number(cell.reported.mean, unit)}"
    if cell.reported.std is not None:
        line += f" ± {number(cell.reported.std, unit, cell.reported.mean)}"
    return line if cell.difference is None else f"{line}: {difference(cell, unit)}"


def difference(cell: Cell, unit: str) -> str:
    """Ours − the reported with its sign and mark."""
    ours = cell.difference
    assert ours is not None
    return signed(ours, unit) + (OUTSIDE if cell.within is False else "")


def lines(row: Row, cell: Cell, unit: str) -> list[str]:
    """All that a cell says."""
    found = (main_line(row, cell, unit), interval_line(cell, unit), reported_line(cell, unit))
    return [line for line in found if line is not None]
