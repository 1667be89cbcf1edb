"""A comparison as plain rows: a line for each row of each table, as pandas and Weights & Biases take them."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from unlearn_cli.compare.comparison import Cell, Comparison, Row, Table
from unlearn_cli.compare.keys import BASE, METHOD, value_text
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.runtime.text import in_spreadsheet


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One dict for each row, all with the same keys; None where there is nothing.

    `<metric>/mean`, `/std`, `/low`, `/high` (the interval of the mean), `/n`; the same of `/gap_`; `/paper`,
    `/paper_std` (or `/published`, …), `/difference`, `/outside`; of the metric that ranks `/floors`, its gap
    in units of the floor. p-values of a row are Holm's, None where nothing was tested. Of settings side by
    side: `<metric>/<option>/mean`, …, and `<metric>/<one> → <other>/mean`, …, the change. Keys in which
    settings or variants differ have their columns.
    """
    found = [_row(table, row) for table in comparison.tables for row in table.rows]
    names = list(dict.fromkeys(name for row in found for name in row))
    first = [name for name in names if "/" not in name]
    ordered = first + [name for name in names if "/" in name]
    return [{name: row.get(name) for name in ordered} for row in found]


def to_csv(comparison: Comparison) -> str:
    """The rows as CSV: nothing is an empty field, numbers have all their digits."""
    return as_csv(rows(comparison))


def as_csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """Lines of the same keys as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, lines[0].keys(), lineterminator="\n")
    writer.writerow({name: in_spreadsheet(name) for name in lines[0]})
    writer.writerows({name: in_spreadsheet(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _row(table: Table, row: Row) -> dict[str, Any]:
    choices = [run.result["choices"] for run in row.group.runs]
    seeds = sorted({run.result["seed"] for run in row.group.runs})
    named = (*BASE, *METHOD)
    told = {
        key: value_text(value) for key, value in {**table.keys, **row.group.keys}.items() if key not in named
    }
    found: dict[str, Any] = {
        "setting": table.title,
        "name": row.name,
        **{group: _common([chosen.get(group) for chosen in choices]) for group in named},
        **told,
        "n": row.n,
        "seeds": " ".join(map(str, seeds)),
        "rank": row.place.rank if row.place else None,
        **_claims(row),
        "destroyed": len(row.warnings),
    }
    for key in table.columns:
        found |= _cell(key, row.cells[key])
    return found


def _claims(row: Row) -> dict[str, Any]:
    place = row.place
    return {
        "best": row.best,
        "beats_original": place and place.beats_original,
        "equals_best": place and place.equals_best,
        "equals_oracle": place and place.equals_oracle,
        "cannot_tell": place and place.cannot_tell,
        "p_different_from_best": place and place.p_different,
        "p_different_from_original": place and place.p_original,
        "p_equal_to_best": place and place.p_equal,
        "p_equal_to_oracle": place and place.p_oracle,
    }


def _common(values: list[Any]) -> Any:
    """What they all are; None if they are not all the same."""
    return values[0] if values.count(values[0]) == len(values) else None


def _cell(key: str, cell: Cell) -> dict[str, Any]:
    found = _estimate(f"{key}/", cell.value)
    if cell.gap:
        found |= _estimate(f"{key}/gap_", cell.gap)
    if cell.times is not None:
        found[f"{key}/floors"] = cell.times
    if cell.reported:
        there = f"{key}/{cell.reported.source}"
        found |= {there: cell.reported.mean, f"{there}_std": cell.reported.std}
        found |= {f"{key}/difference": cell.difference, f"{key}/outside": cell.within is False}
    return found


def _estimate(prefix: str, found: Estimate | None) -> dict[str, Any]:
    names = ("mean", "std", "low", "high", "n")
    return {f"{prefix}{name}": getattr(found, name, None) for name in names}
