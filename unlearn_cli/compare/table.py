"""The table that ends a run: every metric beside the original model, the retrain oracle and the paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from unlearn_cli.compare.fitting import GAP, parts
from unlearn_cli.compare.meanings import meanings_of
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.selection import search_summary
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.gaps import AVERAGED, AVERAGED_OF_PROMPTS, OF_ANSWERS, OF_DOMAINS
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.runtime import terminal
from unlearn_cli.runtime.text import in_markdown, shown_throughout
from unlearn_cli.storage.files import replacing

HEADLINE = (
    *dict.fromkeys([*AVERAGED, *AVERAGED_OF_PROMPTS, *OF_DOMAINS, *OF_ANSWERS]),
    "TA_forget",
    "avg_gap",
    "seconds",
    "mask_seconds",
    "sae_seconds",
    "peak_memory_mb",
    "samples",
    "delta_mb",
)

EDGES = 2  # blanks around the table
MEANING_WIDTH = 12
"""Cells that a meaning needs to say anything."""


@dataclass(frozen=True)
class Row:
    """One metric: its meaning and a number per column (None = not measured)."""

    meaning: Meaning
    values: Mapping[str, float | None]
    headline: bool

    def cells(self, columns: list[str]) -> list[str]:
        numbers = (number(self.values.get(column), self.meaning.unit) for column in columns)
        return [self.meaning.label, *numbers, self.meaning.text]


def rows(result: Mapping[str, Any], expected: Mapping[str, float] | None) -> list[Row]:
    """The table's rows: the paper's four metrics, Avg Gap and cost first, then everything else measured."""
    sources = {
        "method": result["metrics"] | result["cost"],
        "original": (result["original"] or {}) | (result["original_cost"] or {}),
        "oracle": (result["oracle"] or {}) | (result["oracle_cost"] or {}),
        "gap": (result["gap"] or {}) | {"avg_gap": result["avg_gap"]},
        "paper": expected or {},
    }
    headline = [key for key in HEADLINE if any(source.get(key) is not None for source in sources.values())]
    others = [key for key in result["metrics"] if key not in headline]
    meanings = meanings_of(result)
    if unknown := [key for key in others if key not in meanings]:
        raise RunError(
            f"{result.get('folder', 'this run')}: no meaning of {', '.join(unknown)}; it was made by another "
            "version of unlearn or of a plug-in, and its command makes it again once the folder is deleted"
        )
    return [
        Row(meanings[key], {column: source.get(key) for column, source in sources.items()}, key in headline)
        for key in headline + others
    ]


def columns(table: list[Row]) -> list[str]:
    """The method, and those of original, oracle, gap and paper that have a number."""
    others = ("original", "oracle", "gap", "paper")
    return ["method", *(c for c in others if any(row.values[c] is not None for row in table))]


def result_tables(
    method_name: str, result: Mapping[str, Any], expected: Mapping[str, float] | None, width: int
) -> Iterator[Table]:
    """One run's results for a terminal; on a narrow one the meanings are cut short, then the columns parted.

    `result` has metrics and cost (dicts), warnings (sentences, shown under the table), and original, oracle,
    gap, original_cost, oracle_cost (dicts) and avg_gap, each of which may be None. All dicts are by metric.
    `expected` holds the paper's numbers.
    """
    body = rows(result, expected)
    headers = {name: method_name if name == "method" else name for name in columns(body)}
    widths = {
        name: max(cell_len(header), *(cell_len(row.cells([name])[1]) for row in body))
        for name, header in headers.items()
    }
    left = EDGES + max(cell_len(row.meaning.label) for row in body)
    fitting = [*parts(widths, left, width)]
    room = width - left - sum(GAP + needed for needed in widths.values()) - GAP
    for names in fitting:
        shown = result if names is fitting[-1] else {**result, "warnings": []}
        with_meaning = len(fitting) == 1 and room >= MEANING_WIDTH
        yield _table(body, {name: headers[name] for name in names}, shown["warnings"], with_meaning)


def _table(body: list[Row], headers: Mapping[str, str], sentences: list[str], with_meaning: bool) -> Table:
    names = [*headers]
    warnings = Text("\n".join(sentences), style="bold red", justify="left")
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 0, 0, 1), pad_edge=False, caption=warnings if warnings else None
    )
    table.add_column("", no_wrap=True)
    for name, header in headers.items():
        style = {"method": "bold", "gap": "cyan"}.get(name)
        table.add_column(header, justify="right", no_wrap=True, style=style)
    if with_meaning:
        table.add_column("meaning", style="dim")
    for headline in (True, False):
        for row in body:
            if row.headline is headline:
                *numbers, meaning = row.cells(names)
                last = [Text(meaning, no_wrap=True, overflow="ellipsis")] if with_meaning else []
                table.add_row(*numbers, *last)
        table.add_section()
    return table


def show(result: Mapping[str, Any]) -> None:
    """Print the table of a finished run (metrics.json's content)."""
    result = shown_throughout(dict(result))
    expected = _means(result)
    console = terminal.console()
    for table in result_tables(result["method"], result, expected, console.width):
        console.print(table)
    if line := search_summary(result["forget"]):
        console.print(f"forget set: {line}", style="dim")
    if result["source"] and expected:
        console.print(f"paper: {result['source']}", style="dim")
    console.print(f"{result['folder']}", style="dim", soft_wrap=True)


def write(result: Mapping[str, Any], path: Path) -> None:
    """The same table as a Markdown file."""
    with replacing(path) as temporary:
        temporary.write_text(to_markdown(result["method"], result, _means(result)), encoding="utf-8")


def _means(result: Mapping[str, Any]) -> dict[str, float]:
    """The paper's means, without their deviations."""
    return {metric: mean for metric, (mean, _) in (result["expected"] or {}).items()}


def to_markdown(method_name: str, result: Mapping[str, Any], expected: Mapping[str, float] | None) -> str:
    """The same table in Markdown, warnings after it."""
    body = rows(result, expected)
    names = columns(body)
    lines = [["", in_markdown(method_name), *names[1:], "meaning"], ["---", *("---:" for _ in names), "---"]]
    lines += [row.cells(names) for row in body]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    return "\n\n".join([table, *(f"**{in_markdown(warning)}**" for warning in result["warnings"])]) + "\n"
