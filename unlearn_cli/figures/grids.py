"""A generator's figures: samples of each class side by side, and which class a judge sees in them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from unlearn_cli.figures.palette import MANY_CLASSES, MARK, head, interpolation, save, wrapped

MOST_CLASSES = 12  # rows of a sample grid
NUMBERED = 20  # up to so many classes a confusion matrix has its numbers written in
CELL = 0.64  # inches of an image, or of a confusion matrix's numbered cell
NAME, LINES = 28, 3  # characters and lines of a row's name


def strip(images: np.ndarray) -> np.ndarray:
    """Images (n, H, W, C) uint8 side by side with a white pixel between: (H, n·W + n − 1, C)."""
    padded = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=255)
    return np.concatenate(padded, axis=1)[:, :-1]


def sample_grid(
    models: Mapping[str, np.ndarray],
    labels: np.ndarray,
    rows: Sequence[str],
    forgotten: Collection[int],
    path: Path,
    per_row: int = 4,
    kinds: str = "classes",
    about: str = "",
) -> None:
    """The first `per_row` images of each class or prompt, a block for each model, a row for each of them.

    models: by model (original, method, oracle) images (n, H, W, C) uint8 in the order of labels (n,), drawn
    from the same noise. rows: names, by label; kinds: what they are. Forgotten ones are framed; of many they
    stand first and not all are shown. There are as many columns as the fullest row has images.
    """
    shown = _in_grid(labels, forgotten)
    columns = min(per_row, int(np.bincount(labels).max()))
    height, width, channels = next(iter(models.values())).shape[1:]
    blank = np.full((columns, height, width, channels), 255, dtype=np.uint8)
    names = [wrapped(rows[label], NAME, LINES) for label in shown]
    lines = max(name.count("\n") + 1 for name in names)
    cell = max(CELL, 0.19 * lines)  # inches of an image, in which its name finds room
    wide = cell * (width + 1) / (height + 1) * columns
    margin = 0.5 + 0.085 * max(len(line) for name in names for line in name.split("\n"))
    named = max(0.12 * len(model) for model in models)
    size = (max(4.8, margin + len(models) * (max(wide, named) + 0.3)), 1.2 + len(shown) * cell)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(1, len(models), squeeze=False, sharey=True)[0]
    for axis, (model, images) in zip(axes, models.items(), strict=True):
        drawn = [np.concatenate([images[labels == c][:columns], blank])[:columns] for c in shown]
        block = strip(np.stack([strip(row).swapaxes(0, 1) for row in drawn])).swapaxes(0, 1)
        axis.imshow(block, cmap="gray", vmin=0, vmax=255, interpolation=interpolation(height, cell))
        axis.set_title(model)
        axis.set_xticks([])
        axis.spines[:].set_visible(False)
        for place, label in enumerate(shown):
            if label in forgotten:
                _frame(axis, -1, place * (height + 1) - 1, block.shape[1] + 1, height + 1, thick=True)
        axis.set(xlim=(-1.5, block.shape[1] + 0.5), ylim=(block.shape[0] + 0.5, -1.5))
    places = np.arange(len(shown)) * (height + 1) + (height - 1) / 2
    axes[0].set_yticks(places, names, fontsize="medium" if lines == 1 else "small")
    for axis in axes:
        axis.tick_params(left=False)
    _shade(axes[0], shown, forgotten)
    present = len(np.unique(labels))
    which = f"{len(shown)} of {present} {kinds}" if len(shown) < present else f"{present} {kinds}"
    noise = ", same noise for all models" if len(models) > 1 else ""
    head(figure, f"Samples of {which}{noise}{_note(shown, forgotten)}", about)
    save(figure, path)


def _in_grid(labels: np.ndarray, forgotten: Collection[int]) -> list[int]:
    present = [int(label) for label in np.unique(labels)]
    if len(present) <= MOST_CLASSES:
        return present
    first = [label for label in present if label in forgotten][: MOST_CLASSES // 2]
    others = [label for label in present if label not in forgotten]
    return first + others[: MOST_CLASSES - len(first)]


def confusion_matrix(
    judged: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    forgotten: Collection[int],
    path: Path,
    about: str = "",
) -> None:
    """For each requested class (row) the percentage of its samples in which the judge sees a class (column).

    judged, labels: (n,) classes seen and requested; a class never requested has an empty row.
    """
    count = len(classes)
    pairs = np.bincount(labels * count + judged, minlength=count**2).reshape(count, count)
    total = pairs.sum(axis=1, keepdims=True)
    percent = 100 * np.divide(pairs, total, out=np.full(pairs.shape, np.nan), where=total > 0)
    side = max(4.8, 2 + 0.75 * CELL * min(count, NUMBERED))
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axis = figure.subplots()
    image = axis.imshow(percent, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    figure.colorbar(image, label="samples of the requested class (%)", shrink=0.8)
    if count <= NUMBERED:
        for (row, column), value in np.ndenumerate(percent):
            if value > 0:
                colour = "white" if value > 60 else "black"
                axis.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=9)
    for label in forgotten:
        _frame(axis, -0.5, label - 0.5, count, 1, thick=count <= NUMBERED)
    named = sorted(forgotten) if count > MANY_CLASSES else list(range(count))
    names = [wrapped(classes[label], NAME, LINES) for label in named]
    axis.set_yticks(named, names)
    upright = sum(map(len, names)) < 40
    axis.set_xticks(named, names, rotation=0 if upright else 45, ha="center" if upright else "right")
    axis.set(xlabel="class seen by the judge", ylabel="requested class")
    _shade(axis, named, forgotten)
    head(figure, f"What the judge sees in the samples{_note(list(range(count)), forgotten)}", about)
    save(figure, path)


def _frame(axis: Axes, x: float, y: float, width: float, height: float, thick: bool) -> None:
    line_width = 2.5 if thick else 1.2
    frame = Rectangle((x, y), width, height, fill=False, edgecolor=MARK, linewidth=line_width, clip_on=False)
    frame.set_zorder(3)  # above the axes' own lines
    axis.add_patch(frame)


def _shade(axis: Axes, shown: Sequence[int], forgotten: Collection[int]) -> None:
    for label, text in zip(shown, axis.get_yticklabels(), strict=True):
        if label in forgotten:
            text.set_bbox({"facecolor": MARK, "alpha": 0.4, "linewidth": 0, "pad": 2})


def _note(shown: Sequence[int], forgotten: Collection[int]) -> str:
    return " (framed: forgotten)" if set(shown) & set(forgotten) else ""
