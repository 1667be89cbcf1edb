"""Rows as marks in a plane, bars for their deviations; what lies far outside stands at the edge."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullLocator

from unlearn_cli.compare.comparison import Row
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.compare.window import window
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.figures.methods import Style
from unlearn_cli.figures.palette import GREY, INK, label, plain, wrapped

NAMED = 18
"""So many rows, references and best, have a name, colour and shape; the rest are grey."""
LARGEST, SMALLEST = 13, 6  # points: marks shrink, so that of equal rows each can be seen
WIDE = 30
"""From this ratio of the largest to the smallest on, costs are drawn on a logarithmic axis."""
LEGEND = 60  # characters of a line of names below the axes
NAME = 44
MARK = "mark-"
"""Begins the id of each named row's mark, which ends with its place."""


Ends = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A row and its two numbers, neither of them nan."""

    row: Row
    x: Estimate
    y: Estimate


def scatter(
    points: Sequence[Point],
    x: Meaning,
    y: Meaning,
    looks: Mapping[str, Style],
    near_x: Ends | None = None,
    near_y: Ends | None = None,
) -> Figure:
    """The first rows by name, the others grey.

    looks: by row's name; near_x, near_y: from where to where another oracle is no surprise, which is shaded.
    """
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axis = figure.subplots()
    _limit(axis, points, x, y)
    named, others = points[:NAMED], points[NAMED:]
    marks: list[Artist] = []
    for place, point in enumerate(named):
        size = LARGEST - (LARGEST - SMALLEST) * place / max(1, len(named) - 1)
        marks.append(_mark(axis, point, looks[point.row.name], size, place))
    names = [label(wrapped(point.row.name, NAME)) for point in named]
    if others:
        style: dict[str, Any] = {
            "marker": "o",
            "color": "darkgrey",
            "markersize": SMALLEST,
            "linestyle": "none",
        }
        marks += axis.plot([point.x.mean for point in others], [point.y.mean for point in others], **style)
        names.append(f"{len(others)} more")
    if near_y:
        marks.append(_shade_floor(axis, near_x, near_y))
        names.append("within the floor")
    _tell_outside(axis, named, x, y)
    axis.set(xlabel=x.label, ylabel=y.label)
    plain(axis)
    columns = max(1, min(4, LEGEND // (6 + max(len(line) for name in names for line in name.split("\n")))))
    figure.legend(marks, names, loc="outside lower center", ncols=columns, frameon=False, fontsize="small")
    return figure


def _limit(axis: Axes, points: Sequence[Point], x: Meaning, y: Meaning) -> None:
    whole = [not point.row.warnings for point in points]
    some = any(trust and not point.row.reference for point, trust in zip(points, whole, strict=True))
    trusted = whole if some else [True] * len(points)
    across, up = [point.x.mean for point in points], [point.y.mean for point in points]
    costs = [value for value, trust in zip(across, trusted, strict=True) if trust and isfinite(value)]
    if x.unit == "s" and min(across) > 0 and max(costs, default=0) > WIDE * min(costs, default=0):
        ends = window([log10(value) for value in across], [0] * len(points), trusted, "")
        axis.set(xscale="log", xlim=[10**end for end in ends])
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.xaxis.set_major_formatter("{x:g}")
        axis.xaxis.set_minor_locator(NullLocator())
    else:
        axis.set_xlim(window(across, [point.x.std or 0 for point in points], trusted, x.unit))
    axis.set_ylim(window(up, [point.y.std or 0 for point in points], trusted, y.unit))


def _shade_floor(axis: Axes, near_x: Ends | None, near_y: Ends) -> Artist:
    """A box round the oracle, or, against a cost, a band; a line where oracles agree."""
    left, right = near_x or axis.get_xlim()
    low, high = near_y
    look: dict[str, Any] = {"color": GREY, "alpha": 0.2, "linewidth": 1, "zorder": 1}
    return axis.add_patch(Rectangle((left, low), right - left, high - low, **look))


def _at_edge(value: float, ends: tuple[float, float]) -> float:
    return min(max(value, ends[0]), ends[1])


def _mark(axis: Axes, point: Point, look: Style, size: float, place: int) -> Line2D:
    """The mark, for a legend that shows no bars."""
    x, y = (_at_edge(point.x.mean, axis.get_xlim()), _at_edge(point.y.mean, axis.get_ylim()))
    outside = (x, y) != (point.x.mean, point.y.mean)
    line, _, _ = axis.errorbar(
        x,
        y,
        xerr=0 if outside else point.x.std or 0,
        yerr=0 if outside else point.y.std or 0,
        marker=look.marker,
        color=look.colour,
        fillstyle=look.fill,
        markersize=size,
        markeredgecolor=look.colour if look.fill == "none" else INK,
        markeredgewidth=1.5 if look.fill == "none" else 0.6,
        linestyle="none",
        elinewidth=1,
        capsize=2,
        zorder=3 + place,
        clip_on=not outside,
    )
    assert line is not None
    line.set_gid(f"{MARK}{place}")
    return line


def _tell_outside(axis: Axes, points: Sequence[Point], x: Meaning, y: Meaning) -> None:
    """Beside each mark at an edge its value, in a line of its own where several stand in one quarter."""
    told: dict[tuple[bool, bool], int] = {}
    ends_x, ends_y = axis.get_xlim(), axis.get_ylim()
    for point in points:
        at = (_at_edge(point.x.mean, ends_x), _at_edge(point.y.mean, ends_y))
        texts = []
        if point.x.mean != at[0]:
            texts.append(f"{'←' if at[0] == ends_x[0] else '→'} {x.name} {number(point.x.mean, x.unit)}")
        if point.y.mean != at[1]:
            texts.append(f"{'↓' if at[1] == ends_y[0] else '↑'} {y.name} {number(point.y.mean, y.unit)}")
        if not texts:
            continue
        middle = axis.transAxes.inverted().transform(axis.transData.transform(at))
        quarter = right, up = bool(middle[0] < 0.5), bool(middle[1] < 0.5)
        step = told[quarter] = told.get(quarter, -1) + 1
        axis.annotate(
            f"{point.row.name}: {', '.join(texts)}",
            at,
            xytext=(10 if right else -10, (8 + 12 * step) * (1 if up else -1)),
            textcoords="offset points",
            ha="left" if right else "right",
            va="bottom" if up else "top",
            fontsize="small",
            color=GREY,
        )
