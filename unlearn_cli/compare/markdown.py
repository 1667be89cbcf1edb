"""A comparison in Markdown."""

from collections.abc import Sequence

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.cell_text import lines
from unlearn_cli.compare.comparison import Comparison, Row, Table
from unlearn_cli.runtime.text import in_markdown, table_line


def to_markdown(comparison: Comparison) -> str:
    """A heading, a table and its notes for each setting; then what the marks mean."""
    tables = [*comparison.tables, *comparison.overlaps]
    parts = [part for table in tables for part in _setting(table, comparison.options.by)]
    return "\n\n".join([*parts, *legend(comparison.tables, comparison.options)]) + "\n"


def _setting(table: Table, by: Sequence[str]) -> list[str]:
    head = [
        "",
        "n",
        *("<br>".join(map(in_markdown, column.label.split("\n"))) for column in table.columns.values()),
    ]
    body = [head, ["---", *("---:" for _ in head[1:])], *(_row(table, row) for row in table.rows)]
    drawn = "\n".join(map(table_line, body))
    return [f"### {in_markdown(table.title)}", drawn, *(in_markdown(note) for note in notes(table, by))]


def _row(table: Table, row: Row) -> list[str]:
    name = f"**{in_markdown(row.name)}**" if row.best else in_markdown(row.name)
    cells = []
    for key, column in table.columns.items():
        first, *others = lines(row, row.cells[key], column.unit)
        bold = row.best and key == table.rank_by
        cells.append("<br>".join([f"**{first}**" if bold else first, *others]))
    return [f"{name} {row.marks}".strip(), str(row.n), *cells]
