"""Metrics against a setting: a line for each method, its mean over all else with the deviation."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unlearn_cli.compare.groups import REFERENCES
from unlearn_cli.compare.keys import all_keys, value_text
from unlearn_cli.compare.meanings import meanings_in
from unlearn_cli.compare.plots import PALETTE
from unlearn_cli.compare.records import Run
from unlearn_cli.errors import InputError
from unlearn_cli.figures.palette import MARKERS, label, save

Line = dict[Any, list[float]]
"""By value of the setting, in order: the metric in each run."""


def lines(runs: Sequence[Run], key: str, metric: str) -> dict[str, Line]:
    """By method. Runs without the key or the metric are left out, original and oracle too."""
    found: dict[str, Line] = {}
    for run in runs:
        method, keys = run.result["method"], all_keys(run)
        if key in keys and metric in run.values and method not in REFERENCES:
            found.setdefault(method, {}).setdefault(keys[key], []).append(run.values[metric])
    return {method: dict(sorted(line.items(), key=_order)) for method, line in sorted(found.items())}


def draw(runs: Sequence[Run], key: str, metrics: Sequence[str], path: Path) -> None:
    """A panel for each metric. InputError: no two values of the key to draw a line between."""
    panels = {metric: lines(runs, key, metric) for metric in metrics}
    if not any(len(line) > 1 for panel in panels.values() for line in panel.values()):
        raise InputError(f"--against {key}: no method was run with two values of it; sweep {key} first")
    meanings = meanings_in(runs)
    figure = Figure(figsize=(1 + 4 * len(panels), 3.6), layout="constrained")
    for axis, (metric, panel) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for place, (method, line) in enumerate(panel.items()):
            _line(axis, method, line, place)
        axis.set(xlabel=key, ylabel=meanings[metric].label)
    axis.legend(fontsize="small")
    save(figure, path)


def _line(axis: Axes, method: str, line: Line, place: int) -> None:
    numbers = all(isinstance(value, int | float) for value in line)
    axis.errorbar(
        list(line) if numbers else [value_text(value) for value in line],
        [fmean(values) for values in line.values()],
        [stdev(values) if len(values) > 1 else 0 for values in line.values()],
        marker=MARKERS[place % len(MARKERS)],
        color=PALETTE[place % len(PALETTE)],
        label=label(method),
        capsize=2,
    )


def _order(item: tuple[Any, list[float]]) -> tuple[bool, Any]:
    value = item[0]
    numeric = isinstance(value, int | float)
    return (not numeric, value if numeric else value_text(value))
