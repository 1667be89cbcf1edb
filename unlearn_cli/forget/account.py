"""An account of a selection: every unit's difficulty, what the set is made of, figures."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.files import replacing
from unlearn_cli.forget.bilevel import Selection
from unlearn_cli.forget.figures import draw_composition, draw_extremes, draw_weights
from unlearn_cli.forget.units import Units

FEW = 50  # values of a column up to which a composition says something


def write_account(
    found: Selection, units: Units, chosen: np.ndarray, random: np.ndarray, data: ImageData, folder: Path
) -> None:
    """Tables and figures into the folder.

    Args:
        chosen, random: positions of the units selected, and of a random set of the same size.
    """
    order = found.top(len(units))
    write_csv(
        folder / "difficulty.csv",
        ("rank", "unit", "label", "weight", "loss", "selected", "random"),
        difficulty(found, units, order, chosen, random, data),
    )
    parts = compositions(data, units.rows_of(chosen), units.rows)
    write_csv(
        folder / "composition.csv",
        ("column", "value", "selected", "all", "share_of_selected", "share_of_all"),
        (row for rows in parts.values() for row in rows),
    )
    draw_weights(found.weights[order], found.trajectory, len(chosen), folder / "weights.png")
    draw_composition(parts, folder / "composition.png")
    draw_extremes(
        data, [units.rows_of(order[[place]]) for place in range(len(order))], folder / "extremes.png"
    )


def difficulty(
    found: Selection,
    units: Units,
    order: np.ndarray,
    chosen: np.ndarray,
    random: np.ndarray,
    data: ImageData,
) -> Iterable[Sequence[Any]]:
    """A row for each unit, hardest to forget first: its final weight, its mean loss after unlearning."""
    selected, drawn, losses = set(chosen.tolist()), set(random.tolist()), found.mean_losses
    samples = len(units) == len(units.rows)
    for rank, unit in enumerate(order.tolist(), 1):
        label = data.classes[data.labels[units.names[unit]]] if samples else ""
        values = f"{found.weights[unit]:.6g}", f"{losses[unit]:.6g}"
        yield rank, units.names[unit], label, *values, int(unit in selected), int(unit in drawn)


Composition = dict[str, list[tuple[str, str, int, int, float, float]]]
"""By column: (column, value, rows selected, rows in all, share of the selected, share of all)."""


def compositions(data: ImageData, selected: np.ndarray, rows: np.ndarray) -> Composition:
    """How often each value of each column of few values stands among the selected rows and among all."""
    found: Composition = {}
    for name, column in data.columns.items():
        values, of_all = np.unique(column[rows].astype(str), return_counts=True)
        if 1 < len(values) <= FEW:
            there = column[selected].astype(str)
            counts = [
                (value, int((there == value).sum()), int(n)) for value, n in zip(values, of_all, strict=True)
            ]
            found[name] = [(name, v, n, of, n / len(selected), of / len(rows)) for v, n, of in counts]
    return found


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
