"""Tables of measured results in the documents, drawn from docs/results/*.json.

Each file holds the runs of one sweep: its command, commit, date and machine, and of each run the method, the
seed, the settings in which runs of that method differ, and the metrics. `scripts.result_files` writes them.
"""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from unlearn_cli.evaluation.meaning import MEANINGS

RESULTS = Path(__file__).parents[1] / "docs" / "results"
REFERENCE = "original"


def result_table(name: str) -> list[str]:
    """For a mark `<!-- results: FILE [METHOD] -->`: the runs of docs/results/FILE.json, or a method's."""
    file, _, method = name.partition(" ")
    found = json.loads((RESULTS / f"{file}.json").read_text(encoding="utf-8"))
    runs = [run for run in found["runs"] if method in ("", run["method"])]
    return [source(found, file), "", *table(runs, found["metrics"])]


def source(found: dict[str, Any], file: str) -> str:
    """Where the numbers come from, in a line."""
    return (
        f"{found['title']}. `{found['command']}`, commit {found['commit'][:7]}, {found['date']}, "
        f"{found['machine']} ([numbers](../results/{file}.json))."
    )


def table(runs: list[dict[str, Any]], metrics: list[str]) -> list[str]:
    """A row for the original and for each method and its settings: mean ± standard deviation over seeds."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    originals: dict[int, dict[str, float]] = {}
    for run in runs:
        rows[run["method"], told(run["settings"])].append(run["metrics"])
        originals[run["seed"]] = run[REFERENCE]
    heads = [MEANINGS[metric].name for metric in metrics]
    lines = [f"| method | settings | seeds | {' | '.join(heads)} |", f"|---|---|---:|{'---:|' * len(heads)}"]
    for (method, settings), found in {(REFERENCE, ""): list(originals.values()), **rows}.items():
        cells = [spread([one[metric] for one in found if metric in one]) for metric in metrics]
        lines.append(f"| {method} | {settings} | {len(found)} | {' | '.join(cells)} |")
    return lines if any(settings for _, settings in rows) else [without(line, 2) for line in lines]


def told(settings: dict[str, Any]) -> str:
    return ", ".join(f"{key} `{value}`".replace("|", "\\|") for key, value in settings.items())


def spread(values: list[float]) -> str:
    if not values:
        return ""
    return f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def without(line: str, column: int) -> str:
    """A table's line without one of its columns."""
    cells = line.split("|")
    return "|".join(cells[:column] + cells[column + 1 :])
