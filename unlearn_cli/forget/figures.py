"""A selection's figures: weights, trajectory, composition, and the images of both ends."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unlearn_cli.figures.palette import COLOURS, GREY, MARK, head, interpolation, plain, save
from unlearn_cli.forget.selection import UnitExample

if TYPE_CHECKING:
    from unlearn_cli.forget.selection import ValueShare

SELECTED, ALL = COLOURS["forget"], COLOURS["retain"]
FEW_UNITS = 50  # up to here the curve of weights is linear in the rank and every unit a point
POINTS = 2000  # of a curve of weights; more cannot be told apart
PANELS = 8  # columns whose composition is shown
VALUES = 20  # of a column, those whose shares differ most
ATTRIBUTES = 40  # CelebA's all find room
BINARY = ({"False", "True"}, {"0", "1"}, {"-1", "1"})
"""Columns of these values are attributes, which share a panel: there the greater value is the case."""
CELL = 1.0  # inches of an image


def draw_weights(
    weights: np.ndarray,
    trajectory: Sequence[Mapping[str, float]],
    count: int,
    path: Path,
    about: str = "",
) -> None:
    """The weights by rank, and beside them losses and shares against the upper iterations.

    Args:
        weights: (U,) the first `count` are the selected; of these and of the others the largest first.
        trajectory: for each upper iteration loss_selected, loss_others, kept and random.
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplot_mosaic([["weights", "losses"], ["weights", "shares"]])
    _weights(axes["weights"], weights, count)
    chance = 100 * count / len(weights)
    axes["shares"].axhline(chance, color=GREY, linestyle=":", label=f"chance ({chance:.3g} %)")
    for panel, key, scale, colour, marker, name in (
        ("losses", "loss_selected", 1, SELECTED, "D", "selected"),
        ("losses", "loss_others", 1, ALL, "o", "others"),
        ("shares", "kept", 100, SELECTED, "D", "stayed selected"),
        ("shares", "random", 100, ALL, "o", "in the random set"),
    ):
        values = [scale * row[key] for row in trajectory]
        at = range(1, len(values) + 1)
        axes[panel].plot(at, values, color=colour, marker=marker, markersize=4, label=name)
    axes["losses"].set(yscale="log", ylabel="mean loss (log scale)", title="Losses after unlearning")
    axes["shares"].set(ylim=(-4, 104), ylabel="selected units (%)", xlabel="upper iteration")
    for axis in (axes["losses"], axes["shares"]):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
        plain(axis)
    axes["losses"].sharex(axes["shares"])
    axes["losses"].tick_params(labelbottom=False)
    head(figure, "How the selection was found", about)
    save(figure, path)


def _weights(axis: Axes, weights: np.ndarray, count: int) -> None:
    there, few = len(weights), len(weights) <= FEW_UNITS
    ranks = np.arange(1, there + 1) if few else np.unique(np.geomspace(1, there, POINTS).astype(int))
    for part, colour, name in (
        (ranks[ranks <= count], SELECTED, f"selected ({count:,})"),
        (ranks[ranks > count], ALL, f"others ({there - count:,})"),
    ):
        values = weights[part - 1]
        axis.fill_between(part, values, color=colour, alpha=0.2, linewidth=0)
        axis.plot(part, values, color=colour, marker="o" if few else None, markersize=4, label=name)
    axis.axvline(count + 0.5, color=GREY, linestyle="--", linewidth=1)
    axis.set(title="Weights of the units", ylabel="weight", ylim=(0, None))
    if few:
        axis.set(xlabel="rank", xlim=(0.5, there + 0.5))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    else:
        axis.set(xlabel="rank (log scale)", xscale="log", xlim=(1, there))
    axis.legend(frameon=False, fontsize="small", loc="lower left")  # weights fall from the left
    plain(axis)


def draw_composition(columns: Mapping[str, Sequence[ValueShare]], path: Path, about: str = "") -> None:
    """What share of the selected rows has a value, and what share of all, a panel for each column.

    All attributes (columns of true and false) share the first panel: the share of true. Of many columns and
    values those are shown whose shares differ most.
    """
    panels = _panels(columns)
    wide = min(3, len(panels))
    # each panel goes under the shortest pile; 2.5 values' height for its title and ticks
    piles: list[list[tuple[str, list[ValueShare]]]] = [[] for _ in range(wide)]
    height = [0.0] * wide
    for panel in panels:
        place = int(np.argmin(height))
        piles[place].append(panel)
        height[place] += len(panel[1]) + 2.5
    figure = Figure(figsize=(max(6.4, 4.2 * wide), 1.8 + 0.2 * max(height)), layout="constrained")
    for part, pile, high in zip(figure.subfigures(1, wide, squeeze=False)[0], piles, height, strict=True):
        room = [len(values) for _, values in pile] + [max(height) - high + 0.01]
        axes = part.subplots(len(room), 1, squeeze=False, gridspec_kw={"height_ratios": room})[:, 0]
        axes[-1].set_axis_off()
        for axis, (title, values) in zip(axes, pile, strict=False):
            _shares(axis, title, values)
    handles, labels = figure.subfigs[0].axes[0].get_legend_handles_labels()
    title = "What the selection is made of"
    figure.legend(handles, labels, title=title, frameon=False, loc="outside upper center", ncols=2)
    figure.supxlabel(about, fontsize="x-small", color=GREY)
    save(figure, path)


def _panels(columns: Mapping[str, Sequence[ValueShare]]) -> list[tuple[str, list[ValueShare]]]:
    """Titles and values: the attributes, then the columns in the order of their largest difference."""
    attributes, others = [], []
    for name, parts in columns.items():
        if {part.value for part in parts} in BINARY:
            attributes.append(max(parts, key=lambda part: part.value)._replace(value=name))
        else:
            others.append((name, list(parts)))
    others.sort(key=lambda panel: -max(abs(part.difference) for part in panel[1]))
    first = [_cut("attributes, share of true", attributes, ATTRIBUTES)] if attributes else []
    return [*first, *(_cut(*panel, VALUES) for panel in others)][:PANELS]


def _cut(title: str, parts: list[ValueShare], most: int) -> tuple[str, list[ValueShare]]:
    """At most so many values, those whose shares differ most; the most preferred first."""
    kept = sorted(parts, key=lambda part: -abs(part.difference))[:most]
    left = f" ({most} of {len(parts)})" if most < len(parts) else ""
    return title + left, sorted(kept, key=lambda part: -part.difference)


def _shares(axis: Axes, title: str, parts: Sequence[ValueShare]) -> None:
    places = np.arange(len(parts))
    selected = [100 * part.share_of_selected for part in parts]
    of_all = [100 * part.share_of_all for part in parts]
    axis.hlines(places, of_all, selected, color=GREY, linewidth=1.2)
    axis.plot(selected, places, "D", color=SELECTED, markersize=6, clip_on=False, label="selected")
    axis.plot(of_all, places, "o", color=ALL, markersize=5, clip_on=False, label="all training rows")
    axis.set_yticks(places, [_short(part.value, 28, 1) for part in parts], parse_math=False)
    axis.set_title(title, parse_math=False)
    axis.set(xlabel="share of rows (%)", xlim=(0, None))
    axis.set_ylim(len(parts) - 0.4, -0.6)
    plain(axis)


def draw_extremes(
    first: Sequence[UnitExample], last: Sequence[UnitExample], mode: str, path: Path, about: str = ""
) -> None:
    """A row of images with the largest weights, and one with the smallest; the selected are framed.

    Args:
        mode: worst or easiest, what the first are to forget.
    """
    names = ["Hardest to forget", "Easiest to forget"]
    if mode == "easiest":
        names.reverse()
    wide = max(len(first), 5)  # room for the titles
    figure = Figure(figsize=(0.2 + 1.1 * CELL * wide, 3.9 * CELL), layout="constrained")
    halves = zip(
        figure.subfigures(2, 1, squeeze=False)[:, 0],
        names,
        ("largest", "smallest"),
        (first, last),
        strict=True,
    )
    for half, name, weights, units in halves:
        framed = "; framed: selected" if any(unit.selected for unit in units) else ""
        half.suptitle(f"{name} ({weights} weights{framed})", fontsize="medium")
        axes = half.subplots(1, wide)
        for axis in axes[len(units) :]:
            axis.set_axis_off()
        for axis, unit in zip(axes, units, strict=False):
            _image(axis, unit)
    figure.supxlabel(about, fontsize="x-small", color=GREY)
    save(figure, path)


def _image(axis: Axes, unit: UnitExample) -> None:
    scaling = interpolation(len(unit.image), CELL)
    axis.imshow(unit.image, cmap="gray", vmin=0, vmax=255, interpolation=scaling)
    axis.set(xticks=[], yticks=[])
    axis.set_title(_short(unit.name, 14, 2), fontsize="x-small", pad=3, parse_math=False)
    axis.spines[:].set(visible=unit.selected, color=MARK, linewidth=2.5)


def _short(name: str, width: int, most: int) -> str:
    """The name in at most so many lines of so many characters."""
    lines = textwrap.wrap(name, width)
    cut = lines[most - 1][: width - 1] + "…" if len(lines) > most else ""
    return "\n".join([*lines[: most - 1], cut] if cut else lines)
