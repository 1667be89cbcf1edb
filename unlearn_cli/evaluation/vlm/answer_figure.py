"""A picture of questions with the answers of each model: what unlearning changed, to be read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from unlearn_cli.data.answers import Status
from unlearn_cli.figures.palette import (
    BLUE,
    GREY,
    MARK,
    interpolation,
    save,
    wrapped,
)

MARKS = {
    Status.CORRECT: ("✓", BLUE),
    Status.WRONG: ("✗", "#B34700"),
    Status.REFUSAL: ("∅", GREY),
    Status.INVALID: ("?", "#8F3F6E"),
}
"""What an answer is worth; of the palette's colours, dark enough to be read as text."""
TITLE = "Questions and answers before and after unlearning"
LEGEND = "✓ right   ✗ wrong   ∅ refused   ? names nothing there is to name"
MARGIN, IMAGE, COLUMN, LINE = 0.15, 0.7, 1.85, 0.17  # inches: around, an image, a column, a line of text
CHARACTERS = 19  # of a column's line
MOST_LINES = 6


@dataclass(frozen=True)
class Asked:
    """A question about an image, and what each model says, by its name: the text and what it is worth."""

    image: np.ndarray
    question: str
    answer: str
    said: Mapping[str, tuple[str, Status]]


def draw_answers(
    groups: Mapping[str, Sequence[Asked]], forgotten: Collection[str], path: Path, about: str = ""
) -> None:
    """A row for each question, below the heading of its group; groups without a question are left out.

    groups: by heading; forgotten: headings of what is to be forgotten, which are shaded.
    """
    groups = {name: rows for name, rows in groups.items() if rows}
    models = [*next(iter(groups.values()))[0].said]
    wide = 3 * MARGIN + IMAGE + COLUMN * (2 + len(models))
    high = [[_height(row) for row in rows] for rows in groups.values()]
    tall = 8 * LINE + sum(sum(rows) + 3 * LINE for rows in high)
    figure = Figure(figsize=(wide, tall))
    axis = figure.add_axes((0, 0, 1, 1))  # in inches, from the upper left
    axis.set_axis_off()
    axis.text(wide / 2, 1.5 * LINE, TITLE, ha="center", va="center", fontsize="large")
    down = 4 * LINE
    _cells(axis, down, [(name, "black") for name in ("question", "true answer", *models)], weight="bold")
    for number, (name, rows) in enumerate(groups.items()):
        down += 2 * LINE
        shade = {"facecolor": MARK, "alpha": 0.4, "linewidth": 0, "pad": 2} if name in forgotten else None
        axis.text(MARGIN, down, name, weight="bold", va="center", fontsize="small", bbox=shade)
        down += LINE
        for row, height in zip(rows, high[number], strict=True):
            _draw_row(axis, down, down + (height - MARGIN) / 2, row)
            down += height
    for line, text in enumerate((LEGEND, about)):
        axis.text(wide / 2, tall - (2.5 - line) * LINE, text, ha="center", fontsize="x-small", color=GREY)
    axis.set(xlim=(0, wide), ylim=(tall, 0))
    save(figure, path)


def _draw_row(axis: Axes, top: float, middle: float, row: Asked) -> None:
    tall, wide = row.image.shape[:2]
    size = IMAGE / max(tall, wide)
    extent = (MARGIN, MARGIN + wide * size, top + tall * size, top)
    axis.imshow(
        row.image,
        extent=extent,
        aspect="auto",
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation=interpolation(tall, IMAGE),
    )
    said = [
        (f"{MARKS[status][0]} {text or '(nothing)'}", MARKS[status][1]) for text, status in row.said.values()
    ]
    _cells(axis, middle, [(row.question, "black"), (row.answer, "black"), *said])


def _cells(axis: Axes, middle: float, cells: Sequence[tuple[str, str]], weight: str = "normal") -> None:
    for place, (text, colour) in enumerate(cells):
        left = 2 * MARGIN + IMAGE + COLUMN * place
        axis.text(left, middle, _lines(text), color=colour, fontsize="small", va="center", weight=weight)


def _lines(text: str) -> str:
    return wrapped(text, CHARACTERS, MOST_LINES)


def _height(row: Asked) -> float:
    """Of a row: its image or its longest text."""
    texts = (row.question, row.answer, *(text for text, _ in row.said.values()))
    return max(IMAGE, LINE * max(_lines(text).count("\n") + 1 for text in texts)) + MARGIN
