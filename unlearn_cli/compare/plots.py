"""The figures of a comparison, as SVG to stand in a page: they take its colours, light or dark."""

import html
import io
from collections.abc import Callable, Sequence
from functools import partial
from math import isnan
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from unlearn_cli.compare.comparison import AGAIN, Row, Table
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.references import ORACLE
from unlearn_cli.compare.scatter import MARK, Point, scatter
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.compare.swatch import ON_PAGE
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning
from unlearn_cli.figures.methods import Style, styles
from unlearn_cli.figures.palette import INK, draw_names_as_they_are

FORGETTING = {"UA": ("RA", "IRA", "CRA"), "For": ("Mem",), "UA_direct": ("same_image", "in_domain")}
"""What each family calls forgetting, and what it has for keeping."""
COST = "seconds"
INKS = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")


def plots(table: Table) -> dict[str, str]:
    """SVG by title; a figure with fewer than two points is left out."""
    looks = looks_of(table)
    pairs = [(keep, forget) for forget, kept in FORGETTING.items() for keep in kept]
    drawn = {}
    for x, y in [*pairs, (COST, table.rank_by or "")]:
        points = [point for row in table.rows if row.name != AGAIN and (point := _point(row, x, y))]
        if len(points) > 1:
            one, other = (_meaning(table, key) for key in (x, y))
            cost, keeping = f"Cost ({one.name}) against {other.name}", f"Keeping ({one.name})"
            title = cost if x == COST else f"{keeping} against forgetting ({other.name})"
            figure = partial(scatter, points, one, other, looks, _near(table, x), _near(table, y))
            drawn[title] = _svg(figure, points, one, other, salt=f"{table.title} {title}")
    return drawn


def looks_of(table: Table) -> dict[str, Style]:
    """By row's name: that of its method, whatever else the table holds."""
    return styles((row.name, row.group.runs[0].result["method"]) for row in table.rows if row.group.runs)


def _near(table: Table, key: str) -> tuple[float, float] | None:
    """From where to where another oracle is no surprise; None without a floor, and of costs."""
    rows = {row.name: row.cells.get(key) for row in table.rows if row.reference}
    oracle, again = rows.get(ORACLE), rows.get(AGAIN)
    if not (oracle and oracle.value and again) or key == COST:
        return None
    floor = again.value if key == AVERAGE else again.gap
    middle = 0.0 if key == AVERAGE else oracle.value.mean
    return (middle - floor.mean, middle + floor.mean) if floor else None


def _meaning(table: Table, key: str) -> Meaning:
    if key == table.rank_by and table.aim:
        return table.aim
    return MEANINGS[key]


def _point(row: Row, x: str, y: str) -> Point | None:
    one, other = (row.cells[key].value if key in row.cells else None for key in (x, y))
    if one is None or other is None or isnan(one.mean) or isnan(other.mean):
        return None
    return Point(row, one, other)


def _svg(draw: Callable[[], Figure], points: Sequence[Point], x: Meaning, y: Meaning, salt: str) -> str:
    """An element of a page: no header, nothing from elsewhere, text as text, each mark's numbers at hand."""
    text = io.StringIO()
    nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
    style: Any = dict.fromkeys(INKS, INK) | {"svg.fonttype": "none", "svg.hashsalt": salt}
    style |= {"figure.facecolor": "none", "axes.facecolor": "none", "legend.facecolor": "none"}
    with matplotlib.rc_context(style):
        figure = draw()
        draw_names_as_they_are(figure)
        figure.savefig(text, format="svg", metadata=nothing)
    drawn = text.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    for place, point in enumerate(points):
        told = f"{point.row.name}: {_told(x, point.x)}, {_told(y, point.y)}"
        drawn = drawn.replace(f'<g id="{MARK}{place}">', f"<g><title>{html.escape(told)}</title>")
    for colour, name in ON_PAGE.items():
        drawn = drawn.replace(colour, name)
    return drawn


def _told(meaning: Meaning, found: Estimate) -> str:
    """`UA 3.20 ± 0.10 %`."""
    deviation = f" ± {number(found.std, meaning.unit)}" if found.std is not None else ""
    return f"{meaning.name} {number(found.mean, meaning.unit)}{deviation} {meaning.unit}".rstrip()
