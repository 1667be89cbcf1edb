"""A comparison in Markdown."""

from collections.abc import Sequence

from unlearn_cli.compare.captions import legend, lines, notes
from unlearn_cli.compare.comparison import Comparison, Row, Table


def to_markdown(comparison: Comparison) -> str:
    """A heading, a table and its notes for each setting; then what the marks mean."""
    tables = [*comparison.tables, *comparison.overlaps]
    parts = [part for table in tables for part in _setting(table, comparison.options.by)]
    return "\n\n".join([*parts, *legend(comparison.tables, comparison.options)]) + "\n"


def _setting(table: Table, by: Sequence[str]) -> list[str]:
    head = [
        "",
        "n",
        *("<br>".join(map(_plain, column.label.split("\n"))) for column in table.columns.values()),
    ]
    body = [head, ["---", *("---:" for _ in head[1:])], *(_row(table, row) for row in table.rows)]
    drawn = "\n".join("| " + " | ".join(line) + " |" for line in body)
    return [f"### {_plain(table.title)}", drawn, *(_plain(note) for note in notes(table, by))]


def _row(table: Table, row: Row) -> list[str]:
    name = f"**{_plain(row.name)}**" if row.best else _plain(row.name)
    cells = []
    for key, column in table.columns.items():
        first, *others = lines(row, row.cells[key], column.unit)
        bold = row.best and key == table.rank_by
        cells.append("<br>".join([f"**{first}**" if bold else first, *others]))
    return [f"{name} {row.marks}".strip(), str(row.n), *cells]


def _plain(text: str) -> str:
    """Text with nothing that Markdown would take for its own."""
    for character in "\\|*<[`":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.splitlines())
