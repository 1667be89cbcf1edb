"""A comparison as one HTML page that needs nothing from elsewhere."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from unlearn_cli.compare.captions import legend, lines, notes
from unlearn_cli.compare.comparison import DESTROYED, OUTSIDE, Comparison, Row, Table
from unlearn_cli.compare.plots import plots

TEMPLATE = Path(__file__).with_name("page.html.j2")
PICTURES = {"samples": "samples", "confidence": "confidence histograms"}
"""What a run folder's figures/<key>.png shows: of each row's first seed it stands in the page."""


def to_html(comparison: Comparison) -> str:
    """The page: for each setting a sortable table, and where its rows are ranked two figures and pictures of
    each row's first seed; then the overlap of forget sets."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    columns = [column for table in comparison.tables for column in table.columns.values()]
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        tables=[_setting(table, comparison.options.by) for table in comparison.tables],
        overlaps=[_setting(table, ()) for table in comparison.overlaps],
        legend=legend(comparison.tables, comparison.options),
        meanings=dict.fromkeys(column.meaning for column in columns),
        left_out=comparison.left_out,
        destroyed=DESTROYED,
    )


def _setting(table: Table, by: Sequence[str]) -> dict[str, Any]:
    alone = [row for row in table.rows if not row.reference and table.rank_by]
    return {
        "title": table.title,
        "columns": [(column, key == table.rank_by) for key, column in table.columns.items()],
        "references": [_row(table, row) for row in table.rows if row.reference],
        "rows": [_row(table, row) for row in table.rows if not row.reference],
        "notes": notes(table, by),
        "plots": {title: Markup(svg) for title, svg in plots(table).items()},
        "pictures": [picture for row in alone for picture in _pictures(row)],
    }


def _row(table: Table, row: Row) -> dict[str, Any]:
    cells = []
    for key, column in table.columns.items():
        cell = row.cells[key]
        first, *others = lines(row, cell, column.unit)
        cells.append(
            {
                "value": cell.value.mean if cell.value else None,
                "first": first,
                "others": [(line, line.endswith(OUTSIDE)) for line in others],
                "bold": row.best and key == table.rank_by,
            }
        )
    return {"row": row, "cells": cells}


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
