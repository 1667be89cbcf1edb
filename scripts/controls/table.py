"""Tables of docs/controls.md: every metric's values of the controls, marked where it has caught them."""

import os
from pathlib import Path

import numpy as np

from scripts.controls.record import FOLDER, Record
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.runtime.text import table_line

MARKS = {"none": "", "some": "◐", "all": "●"}
DECIMALS = {"%": 1, "points": 1, "steps": 0, "nats": 2}


def controls_table(name: str, folder: Path) -> list[str]:
    """For a mark `<!-- controls: KIND [METRIC] -->` on a page in that folder.

    All of docs/results/controls/KIND.json and where it comes from; of METRIC, those whose keys begin so.
    """
    kind, _, begin = name.partition(" ")
    file = FOLDER / f"{kind}.json"
    record = Record.model_validate_json(file.read_text(encoding="utf-8"))
    lines = [["metric", "oracles", *record.models], ["---", *("---:" for _ in (0, *record.models))]]
    for metric in MEANINGS:
        if metric not in record.oracles or not metric.startswith(begin):
            continue
        values = [value for of in record.oracles[metric] for value in of]
        cells = [_cell(record, model, metric) for model in record.models]
        lines.append([_named(metric), _number(float(np.mean(values)), metric), *cells])
    table = list(map(table_line, lines))
    if begin:
        return table
    link = os.path.relpath(file, folder)
    return [f"`{record.command}`; commit {record.commit[:7]}, {record.date} ([numbers]({link})).", "", *table]


def _named(metric: str) -> str:
    meaning = MEANINGS[metric]
    return f"{meaning.name} ({meaning.unit})" if meaning.unit else meaning.name


def _cell(record: Record, model: str, metric: str) -> str:
    times = record.times_caught(model, metric)
    mark = MARKS["all" if times == len(record.seeds) else "some" if times else "none"]
    return f"{_number(float(np.mean(record.models[model][metric])), metric)} {mark}".strip()


def _number(value: float, metric: str) -> str:
    return f"{value:.{DECIMALS.get(MEANINGS[metric].unit, 2)}f}"
