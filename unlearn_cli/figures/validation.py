"""What was seen of validation rows after each epoch: what the best is chosen by, how much is forgotten."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unlearn_cli.figures.palette import BLUE, GREY, VERMILLION, head, plain, save

MANY_POINTS = 40  # more are a line without marks


def validation_curves(
    rows: Sequence[Mapping[str, Any]],
    panels: Mapping[str, str],
    chosen: int,
    wanted: float | None,
    path: Path,
    about: str = "",
) -> None:
    """A panel for each number, against the epoch; the epoch that was taken is marked.

    Args:
        rows: of the history, one an epoch.
        panels: by key of a row what its axis is called; the last is how much is forgotten, in percent.
        chosen: the epoch whose weights are the result.
        wanted: percent that is enough; None: no number is.
    """
    figure = Figure(figsize=(6.4, 1.4 + 2.2 * len(panels)), layout="constrained")
    head(figure, f"On validation rows: epoch {chosen} of {len(rows)} was taken", about)
    axes = figure.subplots(len(panels), 1, squeeze=False, sharex=True)[:, 0]
    for axis, (key, name), colour in zip(
        axes, panels.items(), (BLUE, VERMILLION)[-len(panels) :], strict=True
    ):
        _panel(axis, rows, key, colour)
        axis.axvline(chosen, color=GREY, linestyle=":", linewidth=1)
        axis.set_ylabel(name)
    if wanted is not None:
        axes[-1].axhline(wanted, color=GREY, linestyle="--", linewidth=1)
        where = axes[-1].get_yaxis_transform()
        axes[-1].text(
            1, wanted, "enough", transform=where, ha="right", va="bottom", fontsize="small", color=GREY
        )
    top = max(axes[-1].get_ylim()[1], 1.0)  # percent: from zero, and not of a thousandth
    axes[-1].set_ylim(-0.04 * top, top)
    axes[-1].set_xlabel("epoch")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    save(figure, path)


def _panel(axis: Axes, rows: Sequence[Mapping[str, Any]], key: str, colour: str) -> None:
    points = [(row["epoch"], row[key]) for row in rows if row.get(key) is not None]
    marker = "o" if len(points) <= MANY_POINTS else None
    epochs, values = [epoch for epoch, _ in points], [value for _, value in points]
    axis.plot(epochs, values, color=colour, marker=marker, markersize=4)
    plain(axis)
