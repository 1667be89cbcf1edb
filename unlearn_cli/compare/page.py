"""A comparison as one HTML page that needs nothing from elsewhere."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.cell_text import lines
from unlearn_cli.compare.comparison import (
    AGAIN,
    AS_ORACLE,
    DESTROYED,
    EQUAL,
    OUTSIDE,
    UNCLEAR,
    Comparison,
    Row,
    Table,
)
from unlearn_cli.compare.plots import looks_of, plots
from unlearn_cli.compare.provenance import Provenance, forgotten_in, provenance
from unlearn_cli.compare.swatch import swatch
from unlearn_cli.compare.verdict import verdict
from unlearn_cli.figures.methods import Style

TEMPLATE = Path(__file__).with_name("page.html.j2")
SIGNS = {
    EQUAL: "equal to the best",
    UNCLEAR: "cannot tell whether it differs from the best",
    AS_ORACLE: "equal to the oracle",
}
PICTURES = {
    "samples": "samples",
    "confidence": "confidence histograms",
    "domains": "embeddings by domain",
    "answers": "questions and answers",
}
"""What a run folder's figures/<key>.png shows: of each row's first seed it stands in the page."""


def to_html(comparison: Comparison, folder: Path | None = None) -> str:
    """The page: for each setting a sortable table with links to the runs, figures, and where its rows are
    ranked pictures of each row's first seed; then the overlap of forget sets.

    folder: that the page is to stand in, from which links lead to the run folders; None = the current one.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    columns = [column for table in comparison.tables for column in table.columns.values()]
    place = folder or Path()
    tables = [_setting(table, comparison.options.by, place) for table in comparison.tables]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        tables=tables,
        overlaps=[_setting(table, (), place) for table in comparison.overlaps],
        legend=legend(comparison.tables, comparison.options),
        meanings=dict.fromkeys(column.meaning for column in columns),
        left_out=comparison.left_out,
        destroyed=DESTROYED,
        made=_made([run for table in tables for run in table["runs"]]),
    )


def _setting(table: Table, by: Sequence[str], place: Path) -> dict[str, Any]:
    alone = [row for row in table.rows if not row.reference and table.rank_by]
    ranked_first = sorted(table.columns, key=lambda key: key != table.rank_by)
    looks = looks_of(table) if table.rank_by else {}
    rows = [_row(table, row, ranked_first, looks, place) for row in table.rows]
    said = verdict(table)
    return {
        "title": table.title,
        "rows_are": table.rows_are,
        "forgotten": forgotten_in(table) if table.rank_by else "",
        "columns": [(table.columns[key], _order(table, key)) for key in ranked_first],
        "references": [line for line in rows if line["row"].reference],
        "rows": [line for line in rows if not line["row"].reference],
        "runs": [{"name": line["row"].name, "run": run} for line in rows for run in line["runs"]],
        "verdict": said,
        "has_floor": any(row.name == AGAIN for row in table.rows),
        "notes": [note for note in notes(table, by) if note not in said],
        "plots": {title: Markup(svg) for title, svg in plots(table).items()} if table.rank_by else {},
        "pictures": [picture for row in alone for picture in _pictures(row)],
    }


def _order(table: Table, key: str) -> str | None:
    """How the rows stand in the column that ranks; None where another rule has a part in it.

    Destroyed rows come last, and metrics whose aim is the oracle rank by the distance to it.
    """
    if key != table.rank_by:
        return None
    found = [row.cells[key].value for row in table.rows if row.place]
    values = [value.mean for value in found if value]
    orders = {"ascending": values, "descending": values[::-1]}
    return next((name for name, inside in orders.items() if inside == sorted(inside)), None)


def _row(
    table: Table, row: Row, order: Sequence[str], looks: dict[str, Style], place: Path
) -> dict[str, Any]:
    cells = []
    for key in order:
        cell, column = row.cells[key], table.columns[key]
        first, *others = lines(row, cell, column.unit)
        cells.append(
            {
                "value": cell.value.mean if cell.value else None,
                "first": first,
                "others": [(line, line.endswith(OUTSIDE)) for line in others],
                "bold": row.best and key == table.rank_by,
            }
        )
    told = {run.folder for other in table.rows if not other.reference for run in other.group.runs}
    runs = [run for run in row.group.runs if not row.reference or run.folder not in told]
    mark = swatch(looks[row.name]) if row.name in looks else ""
    signs = [(sign, row.warnings[0] if sign == DESTROYED else SIGNS[sign]) for sign in row.marks]
    return {
        "row": row,
        "cells": cells,
        "mark": mark,
        "signs": signs,
        "runs": [provenance(run, place) for run in runs],
    }


def _made(runs: Sequence[dict[str, Any]]) -> str:
    """When the runs were made and by which versions, as far as they say so."""
    found: list[Provenance] = [entry["run"] for entry in runs]
    days = sorted({run.date[:10] for run in found if run.date})
    when = [f"{days[0]} to {days[-1]}" if len(days) > 1 else days[0]] if days else []
    versions = sorted({run.version for run in found if run.version})
    return "; ".join([*when, *versions])


def _pictures(row: Row) -> list[dict[str, str]]:
    """The figures of the first seed's folder that a reader of the table wants to see."""
    run = min(row.group.runs, key=lambda run: run.result["seed"])
    found = []
    for name, text in PICTURES.items():
        file = run.folder / "figures" / f"{name}.png"
        if file.exists():
            data = b64encode(file.read_bytes()).decode()
            found.append({"title": f"{row.name}, seed {run.result['seed']}: {text}", "data": data})
    return found
