"""A classifier's figures: confidence histograms, per-class accuracies. No display is needed."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from unlearn_cli.figures.methods import styles
from unlearn_cli.figures.palette import (
    COLOURS,
    DASHES,
    MANY_CLASSES,
    MARK,
    head,
    label,
    legend_beside,
    plain,
    save,
    wrapped,
)

NAME, LINES = 24, 2  # characters and lines of a class' name


def confidence_histograms(
    models: Mapping[str, Mapping[str, np.ndarray]], path: Path, about: str = ""
) -> None:
    """Histograms of the true class's probability, a panel for each model, on equal axes.

    `models`: by model (original, method, oracle) and set (forget, retain, test), values (rows,) in [0, 1].
    The share of samples is logarithmic: trained models put nearly all of them at 1.
    """
    figure = Figure(figsize=(1.8 + 3.4 * len(models), 3.8), layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False, sharex=True, sharey=True)[0]
    for axis, (model, parts) in zip(axes, models.items(), strict=True):
        for number, (part, values) in enumerate(parts.items()):
            share, edges = np.histogram(
                values, bins=20, range=(0, 1), weights=np.full(len(values), 1 / max(1, len(values)))
            )
            axis.stairs(
                share,
                edges,
                color=COLOURS[part],
                linestyle=DASHES[number],
                linewidth=2.4 - 0.5 * number,  # where steps lie on each other, each can be seen
                label=part,
            )
        axis.set_title(model)
        axis.set_xlabel("confidence in the true class")
        plain(axis)
    axes[0].set(yscale="log", xlim=(-0.02, 1.02), ylabel="share of samples (log scale)")
    legend_beside(figure, axes[0])
    head(figure, "How sure each model is of the true class", about)
    save(figure, path)


def per_class_accuracy(
    accuracies: Mapping[str, np.ndarray],
    classes: Sequence[str],
    forgotten: Collection[int],
    path: Path,
    about: str = "",
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
    looks = styles((model, model) for model in accuracies)
    for number, (model, values) in enumerate(accuracies.items()):
        axis.plot(
            np.arange(len(order)) + shift * (number - (len(accuracies) - 1) / 2),
            values[order],
            linestyle="none",
            marker=looks[model].marker,
            markersize=(4 if many else 8) * (1.5 if looks[model].marker == "*" else 1),  # a star is thin
            markeredgewidth=0.6,
            markeredgecolor="white",
            color=looks[model].colour,
            label=label(model),
        )
    marked = [place for place, number in enumerate(order) if number in forgotten]
    for place in marked:
        axis.axvspan(place - 0.5, place + 0.5, color=MARK, alpha=0.25, linewidth=0)
    named = marked if many else range(len(order))
    names = [wrapped(classes[order[place]], NAME, LINES) for place in named]
    upright = not many and sum(map(len, names)) < 60
    axis.set_xticks(list(named), names, rotation=0 if upright else 45, ha="center" if upright else "right")
    axis.set(ylim=(-3, 103), xlim=(-0.6, len(order) - 0.4), ylabel="test accuracy (%)")
    axis.set_xlabel("class, by the original's accuracy" if many else "class")
    head(figure, "Test accuracy of each class" + (" (shaded: forgotten)" if marked else ""), about)
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    plain(axis)
    save(figure, path)
