"""Tables of measured results in the documents, drawn from docs/results/*.json.

What a file holds is said in `unlearn_cli/compare/published.py`; `scripts/table NAME` makes one anew.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from unlearn_cli.compare.published import Line, Part, Published, Spread, results_folder
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.runtime.text import table_line

REFERENCES = ("original", "oracle")
AGAIN = "oracle again"
MOST = {"%": 1, "points": 2, "nats": 4, "s": 1, "MB": 0}
"""Decimals that say something, by unit; fewer where the file has fewer."""
LARGE = 10_000
"""From here on a number's size says all."""


def result_table(name: str, folder: Path) -> list[str]:
    """For a mark `<!-- results: FILE [METHOD] -->` on a page in that folder: all rows of
    docs/results/FILE.json, or a method's."""
    stem, _, method = name.partition(" ")
    file = results_folder() / f"{stem}.json"
    found = Published.model_validate_json(file.read_text(encoding="utf-8"))
    whole = found.parts[0]
    rows = [row for row in whole.rows if method in ("", row.method) or row.method in REFERENCES]
    return [
        source(found, rows, os.path.relpath(file, folder)),
        "",
        *table(found, whole, rows),
        *outdated(found, rows),
    ]


def source(found: Published, rows: Sequence[Line], link: str) -> str:
    """Where the numbers come from, in a sentence or two; of one trial nothing was chosen."""
    said = f"{found.title}. `{found.commands[0]}`; {found.about} ([numbers]({link}))."
    trials = sorted({row.trials for row in rows if row.trials and row.trials > 1})
    if trials:
        said += (
            f" Values: the best of {' or '.join(map(str, trials))} trials of each method on validation rows."
        )
    return said


def outdated(found: Published, rows: Sequence[Line]) -> list[str]:
    """What has changed since the numbers were made."""
    said = [f"Made before {found.made_before}; to be made again."] if found.made_before else []
    said += [
        f"{row.method}: made before {row.made_before}; to be made again." for row in rows if row.made_before
    ]
    return ["", *said] if said else []


def table(found: Published, whole: Part, rows: Sequence[Line]) -> list[str]:
    """A line for each row: mean ± standard deviation; oracles beside each other where there is a floor."""
    columns = [column for column in found.columns if any(_value(found, row, column) for row in rows)]
    decimals = {column: _decimals([_value(found, row, column) for row in rows], column) for column in columns}
    named = ["method", *(["settings"] if any(row.settings for row in rows) else [])]
    lines = [
        [*named, "n", *map(_head, columns)],
        [*("---" for _ in named), "---:", *("---:" for _ in columns)],
    ]
    for row in _with_the_floor(whole, rows):
        cells = [_cell(_value(found, row, column), decimals[column]) for column in columns]
        lines.append([*[row.method, _told(row)][: len(named)], str(len(row.seeds) or ""), *cells])
    return list(map(table_line, lines))


def _with_the_floor(part: Part, rows: Sequence[Line]) -> Iterator[Line]:
    for row in rows:
        yield row
        if row.method == "oracle" and AVERAGE in part.floor:
            yield Line(method=AGAIN, values={AVERAGE: Spread(mean=part.floor[AVERAGE])})


def _value(found: Published, row: Line, column: str) -> Spread | None:
    """Of the first part, or for `H sketch` of the part `sketch`."""
    metric, _, name = column.partition(" ")
    if not name:
        return row.values.get(metric)
    parts = [part for part in found.parts if part.name == name]
    return next((r.values.get(metric) for part in parts for r in part.rows if r.method == row.method), None)


def _head(column: str) -> str:
    metric, _, part = column.partition(" ")
    meaning = MEANINGS[metric]
    unit = f" {meaning.unit}" if meaning.unit not in ("", "points") else ""
    return f"{meaning.name} {part}".strip() + unit


def _decimals(values: Sequence[Spread | None], column: str) -> int:
    """As many as the file has, and no more than its unit asks for."""
    numbers = [number for value in values if value for number in (value.mean, value.sd or 0.0)]
    written = [str(number).rstrip("0").partition(".")[2] for number in numbers]
    unit = MEANINGS[column.partition(" ")[0]].unit
    return min(MOST.get(unit, 2), max(map(len, written), default=0))


def _told(row: Line) -> str:
    return ", ".join(f"{key} `{value}`".replace("|", "\\|") for key, value in row.settings.items())


def _cell(value: Spread | None, decimals: int) -> str:
    if value is None:
        return ""
    form = f".{decimals}f" if abs(value.mean) < LARGE else ".1e"
    return f"{value.mean:{form}}" + (f" ± {value.sd:{form}}" if value.sd is not None else "")
