"""A comparison in LaTeX, as the papers print it: booktabs, `2.85$_{\\pm 0.43}$ (2.39)`."""

from unlearn_cli.compare.captions import legend, notes
from unlearn_cli.compare.cell_text import beside, deviation, difference, mean
from unlearn_cli.compare.comparison import Cell, Comparison, Row, Table
from unlearn_cli.compare.numbers import number

ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"<": "$<$", ">": "$>$", "|": "$|$"},
    **{
        "±": r"$\pm$",
        "≡": r"$\equiv$",
        "×": r"$\times$",
        "†": r"$\dagger$",
        "✗": r"$\times$",
        "‖": r"$\Vert$",
    },
    "\n": " ",
    **{"→": r"$\to$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$", "–": "--", "·": r"$\cdot$"},
}


def to_latex(comparison: Comparison) -> str:
    """A `table` for each setting; the document needs `\\usepackage{booktabs}`."""
    tables = [_table(table, comparison) for table in comparison.tables]
    return "\n\n".join(["% needs \\usepackage{booktabs}", *tables]) + "\n"


def escaped(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return "".join(ESCAPED.get(character, character) for character in text)


def _table(table: Table, comparison: Comparison) -> str:
    said = [*legend([table], comparison.options, intervals=False), *notes(table, comparison.options.by)]
    head = ["Method", *(escaped(column.label) for column in table.columns.values())]
    last_reference = [row for row in table.rows if row.reference][-1:]
    body = []
    for row in table.rows:
        body += [_line(line) for line in _lines(table, row)]
        body += [r"\midrule"] if row in last_reference and row is not table.rows[-1] else []
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(table.title)}. {escaped(' '.join(said))}}}",
            rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            _line(head),
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _lines(table: Table, row: Row) -> list[list[str]]:
    """The row, and a second one with what was reported elsewhere, where there is any."""
    name = rf"\textbf{{{escaped(row.name)}}}" if row.best else escaped(row.name)
    ours = [name + (f" {escaped(row.marks)}" if row.marks else "")]
    sources = [cell.reported.source for cell in row.cells.values() if cell.reported]
    others = [rf"\quad {next(iter(sources), '')}"]
    for key, column in table.columns.items():
        cell = row.cells[key]
        text = _ours(cell, column.unit)
        ours.append(rf"\textbf{{{text}}}" if row.best and key == table.rank_by else text)
        others.append(_reported(cell, column.unit))
    return [ours, others] if any(others[1:]) else [ours]


def _ours(cell: Cell, unit: str) -> str:
    text = escaped(mean(cell, unit))
    if cell.value and cell.value.std is not None:
        text += _below(deviation(cell.value, unit))
    near = escaped(beside(cell, unit))
    return f"{text} ({near})" if near else text


def _reported(cell: Cell, unit: str) -> str:
    if cell.reported is None:
        return ""
    theirs, std = cell.reported.mean, cell.reported.std
    text = number(theirs, unit) + ("" if std is None else _below(number(std, unit, theirs)))
    return text if cell.difference is None else f"{text} ({escaped(difference(cell, unit))})"


def _below(std: str) -> str:
    return rf"$_{{\pm {std}}}$"
