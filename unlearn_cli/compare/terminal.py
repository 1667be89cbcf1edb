"""A comparison on the terminal. What does not fit its width goes into a second table, never out of sight."""

from collections.abc import Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.cell_text import lines
from unlearn_cli.compare.comparison import DESTROYED, Comparison, Row, Table
from unlearn_cli.compare.fitting import GAP, parts

NAMES = 2
"""Names take at most one part of the width in so many, and go on in a second line."""
REFERENCE = "dim"


def show(comparison: Comparison, console: Console) -> None:
    """Print every table with its notes."""
    for table in (*comparison.tables, *comparison.overlaps):
        console.print(Text(table.title, style="bold"))
        for columns in _fitting(table, console.width):
            console.print(_rendered(table, columns, console.width), highlight=False)
        for note in notes(table, comparison.options.by):
            console.print(Text(note, style="red" if note.startswith(DESTROYED) else "dim"))
        console.print()
    for sentence in legend(comparison.tables, comparison.options):
        console.print(Text(sentence, style="dim"))
    for sentence in comparison.left_out:
        console.print(Text(sentence, style="yellow"), soft_wrap=True)


def _fitting(table: Table, width: int) -> Iterator[list[str]]:
    """The columns in parts that are no wider than the terminal, with the names."""
    names, counts = [_name(row).plain for row in table.rows], [str(row.n) for row in table.rows]
    left = min(max(map(cell_len, names)), width // NAMES) + GAP + max(map(cell_len, counts))
    widths = {}
    for key, column in table.columns.items():
        texts = column.label.split("\n")
        texts += [line for row in table.rows for line in lines(row, row.cells[key], column.unit)]
        widths[key] = max(cell_len(text) for text in texts)
    return parts(widths, left, width)


def _rendered(table: Table, columns: Sequence[str], width: int) -> RichTable:
    rendered = RichTable(box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False, show_edge=False)
    rendered.add_column("", max_width=width // NAMES, overflow="fold")
    rendered.add_column("n", justify="right", no_wrap=True)
    for key in columns:
        rendered.add_column(table.columns[key].label, justify="right", no_wrap=True)
    last_reference = [row for row in table.rows if row.reference][-1:]
    for row in table.rows:
        cells = (_cell(table, row, key) for key in columns)
        style = REFERENCE if row.reference else ""
        rendered.add_row(_name(row), str(row.n), *cells, style=style, end_section=row in last_reference)
    return rendered


def _name(row: Row) -> Text:
    name = Text(row.name, style="bold" if row.best else "")
    return name.append(f" {row.marks}", style="bold red" if row.warnings else "") if row.marks else name


def _cell(table: Table, row: Row, key: str) -> Text:
    first, *others = lines(row, row.cells[key], table.columns[key].unit)
    text = Text(first, style="bold" if row.best and key == table.rank_by else "")
    for line in others:
        text.append(f"\n{line}", style="not bold dim")
    return text
