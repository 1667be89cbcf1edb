"""Relearning: accuracy on what was forgotten while each model is trained again."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from unlearn_cli.figures.methods import styles
from unlearn_cli.figures.palette import head, label, plain, save, wrapped

TITLES = {
    "retain": "on retained samples alone",
    "forget": "on a few forgotten samples alone",
    "others": "on other classes alone",
}
NAME = 24  # characters of a line in the legend
WIDEST = 3.2  # of the first model's line, so that one beneath another is seen
MANY_POINTS = 30  # more are a line without marks
DASHED = "dashed: test samples of forgotten classes (or domains)"

Curve = Mapping[str, Sequence[float]]
"""`step`, and accuracy in percent on `forget` and perhaps on `test` samples."""


def relearning_curves(records: Mapping[str, Mapping[str, Curve]], path: Path, about: str = "") -> None:
    """Accuracy against the step, a panel for each kind of rows that models are trained on.

    records: by model (original, the method, oracle), then by kind of rows: retain, forget, others.
    """
    ways = list(dict.fromkeys(way for record in records.values() for way in record))
    figure = Figure(figsize=(2.0 + 3.6 * len(ways), 4.2), layout="constrained")
    head(figure, "Accuracy on forgotten samples while the model is trained again", about)
    axes = figure.subplots(1, len(ways), squeeze=False, sharey=True)[0]
    for axis, way in zip(axes, ways, strict=True):
        _panel(axis, {model: record[way] for model, record in records.items() if way in record})
        axis.set(title=wrapped(TITLES.get(way, way), 34), xlabel="step", xlim=(0, None))
    axes[0].set_ylabel("accuracy (%)")
    legend = axes[-1].legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    if any("test" in curve for record in records.values() for curve in record.values()):
        legend.set_title(wrapped(DASHED, NAME), prop={"size": "small"})
    axes[0].set_ylim(*_limits(records))
    save(figure, path)


def _limits(records: Mapping[str, Mapping[str, Curve]]) -> tuple[float, float]:
    """All of it where much is forgotten; where little is, what there is between the models."""
    curves = [curve for record in records.values() for curve in record.values()]
    lowest = min(value for curve in curves for name in curve if name != "step" for value in curve[name])
    room = 0.04 * (100 - lowest) + 0.1
    return lowest - room, 100 + room


def _panel(axis: Axes, curves: Mapping[str, Curve]) -> None:
    looks = styles((model, model) for model in curves)
    for number, (model, curve) in enumerate(curves.items()):
        look = looks[model]
        marked = len(curve["step"]) <= MANY_POINTS
        axis.plot(
            curve["step"],
            curve["forget"],
            color=look.colour,
            linewidth=WIDEST - number,
            marker=look.marker if marked else None,
            markersize=4,
            label=label(wrapped(model, NAME)),
        )
        if "test" in curve:
            axis.plot(curve["step"], curve["test"], color=look.colour, linestyle="--", linewidth=1.2)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    plain(axis)
