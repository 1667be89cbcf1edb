"""Metrics against a setting: a line for each method, its mean over all else with the deviation."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unlearn_cli.compare.groups import place
from unlearn_cli.compare.keys import all_keys, base_keys, value_text
from unlearn_cli.compare.meanings import meanings_in
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import REFERENCES
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.spread import deviation
from unlearn_cli.figures.methods import Style, styles
from unlearn_cli.figures.palette import head, label, legend_beside, plain, save

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
    figure = Figure(figsize=(1.6 + 4 * len(panels), 4.2), layout="constrained")
    looks = styles((method, method) for panel in panels.values() for method in panel)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (metric, panel) in zip(axes, panels.items(), strict=True):
        for method, line in panel.items():
            _line(axis, method, line, looks[method])
        axis.set(xlabel=key, ylabel=meanings[metric].label)
        plain(axis)
    legend_beside(figure, *axes, fontsize="small")
    settings = sorted({place(base_keys(run)) for run in runs})
    about = f"{'; '.join(settings)}; bars: standard deviation over runs"
    head(figure, f"{', '.join(meanings[metric].name for metric in panels)} against {key}", about)
    save(figure, path)


def _line(axis: Axes, method: str, line: Line, look: Style) -> None:
    numbers = all(isinstance(value, int | float) for value in line)
    axis.errorbar(
        list(line) if numbers else [value_text(value) for value in line],
        [fmean(values) for values in line.values()],
        [deviation(values) or 0 for values in line.values()],
        marker=look.marker,
        color=look.colour,
        linestyle=look.dash,
        label=label(method),
        capsize=2,
    )


def _order(item: tuple[Any, list[float]]) -> tuple[bool, Any]:
    value = item[0]
    numeric = isinstance(value, int | float)
    return (not numeric, value if numeric else value_text(value))
