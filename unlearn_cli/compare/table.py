"""The table that ends a run: every metric beside the original model, the retrain oracle and the paper."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from unlearn_cli.compare.fitting import GAP, parts
from unlearn_cli.compare.meanings import meanings_of
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.run_sentences import original_gap, sentences
from unlearn_cli.compare.selection import search_summary
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.gaps import AVERAGED, AVERAGED_OF_PROMPTS, OF_ANSWERS, OF_DOMAINS
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.evaluation.spread import by_metric, deviation
from unlearn_cli.runtime import terminal
from unlearn_cli.runtime.text import in_markdown, shown_throughout, table_line
from unlearn_cli.storage.files import replacing

OF_HIDDEN = ("relearned_retain", "UA_int4", "probe_rows", "probe_class", "CKA_oracle", "L2_original")
"""One number of each inspection, of all that `eval.hidden` finds; pruning has none."""
HEADLINE = (
    *dict.fromkeys([*AVERAGED, *AVERAGED_OF_PROMPTS, *OF_DOMAINS, *OF_ANSWERS]),
    "TA_forget",
    *OF_HIDDEN,
    "avg_gap",
    "seconds",
    "mask_seconds",
    "sae_seconds",
    "peak_memory_mb",
    "epochs",
    "samples",
    "delta_mb",
)

ORACLES, FLOOR = "oracles", "floor"
"""Columns: mean and deviation of all oracles; the gap of one oracle to another."""
EDGES = 2  # blanks around the table
MEANING_WIDTH = 12
"""Cells that a meaning needs to say anything."""


@dataclass(frozen=True)
class Row:
    """One metric: its meaning and a number per column (None = not measured)."""

    meaning: Meaning
    values: Mapping[str, float | None]
    headline: bool
    deviation: float | None = None
    """Of the oracles, where there are several."""

    def cells(self, columns: list[str]) -> list[str]:
        return [self.meaning.label, *map(self._number, columns), self.meaning.text]

    def _number(self, column: str) -> str:
        text = number(self.values.get(column), self.meaning.unit)
        if column != ORACLES or self.deviation is None:
            return text
        return f"{text} ± {number(self.deviation, self.meaning.unit)}"


def rows(result: Mapping[str, Any], expected: Mapping[str, float] | None) -> list[Row]:
    """The table's rows: the paper's four metrics, Avg Gap and cost first, then everything else measured."""
    found = [oracle["metrics"] for oracle in result.get("oracles") or []]
    oracles = by_metric(found) if len(found) > 1 else {}
    sources = {
        "method": result["metrics"] | result["cost"],
        "original": (result["original"] or {})
        | (result["original_cost"] or {})
        | {"avg_gap": original_gap(result)},
        "oracle": (result["oracle"] or {}) | (result["oracle_cost"] or {}),
        ORACLES: {key: fmean(values) for key, values in oracles.items()},
        "gap": (result["gap"] or {}) | {"avg_gap": result["avg_gap"]},
        FLOOR: result.get("floor") or {},
        "paper": expected or {},
    }
    deviations = {key: deviation(values) for key, values in oracles.items()}
    headline = [key for key in HEADLINE if any(source.get(key) is not None for source in sources.values())]
    others = [key for key in result["metrics"] if key not in headline]
    meanings = meanings_of(result)
    if unknown := [key for key in others if key not in meanings]:
        raise RunError(
            f"{result.get('folder', 'this run')}: no meaning of {', '.join(unknown)}; it was made by another "
            "version of unlearn or of a plug-in, and its command makes it again once the folder is deleted"
        )
    return [
        Row(
            meanings[key],
            {column: source.get(key) for column, source in sources.items()},
            key in headline,
            deviations.get(key),
        )
        for key in headline + others
    ]


def columns(table: list[Row]) -> list[str]:
    """The method, and those of original, oracle, gap, floor and paper that have a number."""
    others = ("original", "oracle", ORACLES, "gap", FLOOR, "paper")
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
    headers = dict(zip(names := columns(body), _headers(names, method_name, result), strict=True))
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


def _headers(names: list[str], method_name: str, result: Mapping[str, Any]) -> list[str]:
    count = len(result.get("oracles") or [])
    told = {"method": method_name, ORACLES: f"{count} oracles", FLOOR: "oracle again"}
    return [told.get(name, name) for name in names]


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
    for sentence in sentences(result):
        console.print(sentence, style="dim", highlight=False)
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
    headers = _headers(names, in_markdown(method_name), result)
    lines = [["", *headers, "meaning"], ["---", *("---:" for _ in names), "---"]]
    lines += [row.cells(names) for row in body]
    table = "\n".join(map(table_line, lines))
    warnings = [f"**{in_markdown(warning)}**" for warning in result["warnings"]]
    return "\n\n".join([table, *warnings, *map(in_markdown, sentences(result))]) + "\n"
