"""A run's figures: training curves, confidence histograms, per-class accuracies. No display is needed."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unlearn_cli.figures.palette import COLOURS, MANY_CLASSES, MARKERS, MODELS, OTHERS, plain, save

QUANTITIES = {"acc": "accuracy (%)", "error": "denoising error", "nll": "nats a token"}


def training_curves(history: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Loss terms, monitored values and learning rate against the step, a column for each stage.

    Rows hold stage, step, lr, `loss/<term>` and monitored values such as `val/acc`; keys may be missing.
    """
    stages = list(dict.fromkeys(row["stage"] for row in history)) or ["no training"]
    panels: dict[str, dict[str, str]] = {"loss": {}}  # by quantity: key of each line and its name
    for key in sorted({key for row in history for key in row if "/" in key}):
        if key.startswith("loss/"):
            panels["loss"][key] = key.removeprefix("loss/")
        else:
            watched, _, quantity = key.rpartition("/")
            panels.setdefault(QUANTITIES.get(quantity, quantity), {})[key] = watched
    panels["learning rate"] = {"lr": ""}
    size = (max(6.4, 4.2 * len(stages)), 1 + 2.1 * len(panels))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(len(panels), len(stages), squeeze=False, sharex="col")
    for column, stage in enumerate(stages):
        rows = [row for row in history if row["stage"] == stage]
        for axis, (quantity, lines) in zip(axes[:, column], panels.items(), strict=True):
            _lines(axis, rows, lines)
            axis.set_ylabel(quantity)
        axes[0, column].set_title(stage)
        axes[-1, column].set(xlabel="step", ylim=(0, None))
    figure.suptitle("Training curves")
    save(figure, path)


def _lines(axis: Axes, rows: Sequence[Mapping[str, Any]], lines: Mapping[str, str]) -> None:
    for number, (key, name) in enumerate(lines.items()):
        points = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
        if points:
            marker = MARKERS[number % len(MARKERS)] if len(points) <= 40 else None
            colour = COLOURS.get(name, OTHERS[number % len(OTHERS)])
            axis.plot(*zip(*points, strict=True), color=colour, marker=marker, markersize=4, label=name)
    if any(lines.values()) and axis.lines:
        axis.legend(frameon=False, fontsize="small")
    plain(axis)


def confidence_histograms(models: Mapping[str, Mapping[str, np.ndarray]], path: Path) -> None:
    """Histograms of the true class's probability, a panel for each model, on equal axes.

    `models`: by model (original, method, oracle) and set (forget, retain, test), values (rows,) in [0, 1].
    The share of samples is logarithmic: trained models put nearly all of them at 1.
    """
    figure = Figure(figsize=(1 + 3.4 * len(models), 3.6), layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False, sharex=True, sharey=True)[0]
    for axis, (model, parts) in zip(axes, models.items(), strict=True):
        for (part, values), colour, dash in zip(
            parts.items(), COLOURS.values(), ("-", "--", ":"), strict=False
        ):
            share, edges = np.histogram(
                values, bins=20, range=(0, 1), weights=np.full(len(values), 1 / len(values))
            )
            axis.stairs(share, edges, color=colour, linestyle=dash, linewidth=1.8, label=part)
        axis.set_title(model)
        axis.set_xlabel("confidence in the true class")
        plain(axis)
    axes[0].set(yscale="log", xlim=(0, 1), ylabel="share of samples (log scale)")
    axes[0].legend(frameon=False, loc="upper left")
    figure.suptitle("Confidence on forget, retain and test samples")
    save(figure, path)


def per_class_accuracy(
    accuracies: Mapping[str, np.ndarray], classes: Sequence[str], forgotten: Collection[int], path: Path
) -> None:
    """Test accuracy of each class in percent by model (original, method, oracle); forgotten classes shaded.

    `accuracies` holds (classes,) arrays of evaluation.accuracy.per_class, NaN where a class has no row.
    """
    many = len(classes) > MANY_CLASSES
    before = next(iter(accuracies.values()))
    order = np.argsort(-before, kind="stable") if many else np.arange(len(classes))
    figure = Figure(figsize=(min(14, max(6.4, 2 + 0.6 * len(classes))), 4.2), layout="constrained")
    axis = figure.subplots()
    shift = 0 if many else 0.2
    for number, (model, values) in enumerate(accuracies.items()):
        axis.plot(
            np.arange(len(order)) + shift * (number - (len(accuracies) - 1) / 2),
            values[order],
            linestyle="none",
            marker=MARKERS[number],
            markersize=4 if many else 7,
            color=MODELS[number],
            label=model,
        )
    marked = [place for place, label in enumerate(order) if label in forgotten]
    for place in marked:
        axis.axvspan(place - 0.5, place + 0.5, color=OTHERS[1], alpha=0.25, linewidth=0)
    named = marked if many else range(len(order))
    axis.set_xticks(list(named), [classes[order[place]] for place in named], rotation=45, ha="right")
    axis.set(ylim=(-3, 103), xlim=(-0.6, len(order) - 0.4), ylabel="test accuracy (%)")
    axis.set_xlabel("class (by original accuracy)" if many else "class")
    axis.set_title("Accuracy per class" + (" (shaded: forgotten)" if marked else ""))
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    plain(axis)
    save(figure, path)
