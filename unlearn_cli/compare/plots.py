"""The figures of a comparison, as SVG to stand in a page: a mark for each row, bars for its deviation."""

import io
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unlearn_cli.compare.comparison import Row, Table
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning
from unlearn_cli.figures.palette import (
    COLOURS,
    MARKERS,
    OTHERS,
    draw_names_as_they_are,
    label,
    plain,
)

PALETTE = (*COLOURS.values(), *OTHERS[1:])
REFERENCES = {"retrain": ("*", "black"), "original": ("X", "dimgrey")}
NAMED = 16
"""So many rows, references and best, have a name, colour and shape; the rest are grey."""
LARGEST, SMALLEST = 13, 5  # points: marks shrink, so that of equal rows each can be seen
WIDE = 30
"""From this ratio of the largest to the smallest on, costs are drawn on a logarithmic axis."""
DRAWN = {
    "Forgetting (UA) against keeping (RA)": ("RA", "UA"),
    "Cost (RTE) against Avg Gap": ("seconds", "avg_gap"),
}
"""By title: the metrics on the two axes."""

Point = tuple[Row, Estimate, Estimate]


def plots(table: Table) -> dict[str, str]:
    """SVG by title; a figure with fewer than two points is left out."""
    drawn = {}
    for title, keys in DRAWN.items():
        points = [point for row in table.rows if (point := _point(row, *keys))]
        if len(points) > 1:
            x, y = (MEANINGS[key] for key in keys)
            drawn[title] = _svg(_scatter(points, x, y), salt=f"{table.title} {title}")
    return drawn


def _point(row: Row, x: str, y: str) -> Point | None:
    one, other = (row.cells[key].value if key in row.cells else None for key in (x, y))
    return (row, one, other) if one and other else None


def _scatter(points: Sequence[Point], x: Meaning, y: Meaning) -> Figure:
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axis = figure.subplots()
    named, others = points[:NAMED], points[NAMED:]
    for place, (row, _, _) in enumerate(named):
        marker, colour = MARKERS[place % len(MARKERS)], PALETTE[place % len(PALETTE)]
        if row.reference:
            marker, colour = REFERENCES[row.name]
        size = LARGEST - (LARGEST - SMALLEST) * place / len(named)
        _bars(axis, [points[place]], marker, colour, size, label=label(row.name), zorder=3 + place)
    if others:
        _bars(axis, others, "o", "lightgrey", SMALLEST, label=f"{len(others)} more", zorder=2)
    costs = [one.mean for _, one, _ in points if one.mean > 0]
    if x.unit == "s" and costs and max(costs) > WIDE * min(costs):
        axis.set_xscale("log")
    axis.set(xlabel=x.label, ylabel=y.label)
    if x.unit == "%":
        axis.set_xlim(right=min(axis.get_xlim()[1], 101))
    plain(axis)
    figure.legend(loc="outside right upper", frameon=False, fontsize="small", labelspacing=0.8)
    return figure


def _bars(
    axis: Axes, points: Sequence[Point], marker: str, colour: str, size: float, label: str, zorder: int
) -> None:
    """Marks with their deviations; one value has none."""
    axis.errorbar(
        [one.mean for _, one, _ in points],
        [other.mean for _, _, other in points],
        xerr=[one.std or 0 for _, one, _ in points],
        yerr=[other.std or 0 for _, _, other in points],
        marker=marker,
        color=colour,
        markersize=size,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        elinewidth=1,
        capsize=2,
        zorder=zorder,
        label=label,
    )


def _svg(figure: Figure, salt: str) -> str:
    """The figure as an element of a page: no header, nothing from elsewhere, text as text."""
    draw_names_as_they_are(figure)
    text = io.StringIO()
    nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure.savefig(text, format="svg", metadata=nothing)
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
