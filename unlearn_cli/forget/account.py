"""An account of a selection: every unit's weight and loss, what the set is made of, figures."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.forget.figures import draw_composition, draw_extremes, draw_weights
from unlearn_cli.forget.selection import Selection, UnitExample, ValueShare
from unlearn_cli.forget.units import Units
from unlearn_cli.runtime.text import in_spreadsheet, shown
from unlearn_cli.storage.files import replacing

FEW = 50  # values of a column up to which its composition says something
EXAMPLES = 12  # images of either end

DIFFICULTY = ("rank", "unit", "label", "weight", "loss", "selected", "random")


def write_account(
    found: Selection, units: Units, random: np.ndarray, mode: str, data: ImageData, folder: Path
) -> None:
    """Write difficulty.csv, composition.csv and the figures weights, composition and extremes.

    composition.png is left out of data without a column of few values.

    Args:
        random: (m,) positions of a random set of units; the m units of the largest weights are the selected.
        mode: worst or easiest, what the large weights stand for.
    """
    count, order = len(random), found.top(len(units), mode)
    parts = compositions(data, units.rows_of(order[:count]), units.rows)
    write_csv(folder / "difficulty.csv", DIFFICULTY, difficulty(found, units, order, random, data))
    write_csv(
        folder / "composition.csv",
        ("column", *ValueShare._fields),
        ((name, *part) for name, values in parts.items() for part in values),
    )
    about = f"{data.name} · {mode} case · {count:,} of {len(units):,} units"
    draw_weights(found.scores[order], found.trajectory, count, folder / "weights.png", about)
    if parts:
        draw_composition(parts, folder / "composition.png", about)
    most = min(EXAMPLES, len(units) // 2)
    draw_extremes(
        example_images(units, order[:most], count, data),
        example_images(units, order[-most:], count - (len(order) - most), data),
        mode,
        folder / "extremes.png",
        about,
    )


def difficulty(
    found: Selection, units: Units, order: np.ndarray, random: np.ndarray, data: ImageData
) -> Iterable[Sequence[Any]]:
    """A row for each unit in `order`: its final weight, its mean loss after unlearning, as in DIFFICULTY.

    The label is that of all the unit's rows, or empty if they differ.
    """
    labels, at = data.labels[units.rows], first_rows(units)
    mixed = np.zeros(len(units), dtype=bool)
    mixed[units.of_row[labels != data.labels[at][units.of_row]]] = True
    names = np.where(mixed, "", np.array(data.classes, dtype=object)[data.labels[at]])
    in_random_set = np.isin(order, random).astype(int)
    rows = zip(
        units.names[order].tolist(),
        names[order].tolist(),
        found.scores[order].tolist(),
        found.mean_losses[order].tolist(),
        in_random_set.tolist(),
        strict=True,
    )
    for rank, (unit, label, weight, loss, chance) in enumerate(rows, 1):
        yield rank, unit, label, f"{weight:.6g}", f"{loss:.6g}", int(rank <= len(random)), chance


def compositions(data: ImageData, selected: np.ndarray, rows: np.ndarray) -> dict[str, list[ValueShare]]:
    """By column of 2 to 50 values that some rows share: their parts of the selected rows and of all, most
    preferred first."""
    found = {}
    for name, column in data.columns.items():
        of_all = Counter(map(str, column[rows].tolist()))
        if 1 < len(of_all) <= FEW and len(of_all) < len(rows):
            there = Counter(map(str, column[selected].tolist()))
            parts = [
                ValueShare(value, there[value], of, there[value] / len(selected), of / len(rows))
                for value, of in of_all.items()
            ]
            found[name] = sorted(parts, key=lambda part: (-part.difference, part.value))
    return found


def example_images(units: Units, positions: np.ndarray, selected: int, data: ImageData) -> list[UnitExample]:
    """The first image of each of these units, by its name, or a sample's by its class; the first
    `selected` units are those selected."""
    rows = first_rows(units)[positions]
    samples = len(units) == len(units.rows)
    names = [data.classes[label] for label in data.labels[rows]] if samples else units.names[positions]
    return [
        UnitExample(str(name), data.image(row), place < selected)
        for place, (name, row) in enumerate(zip(names, rows.tolist(), strict=True))
    ]


def first_rows(units: Units) -> np.ndarray:
    """(U,): the first training row of each unit."""
    return units.rows[np.unique(units.of_row, return_index=True)[1]]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([in_spreadsheet(shown(v) if isinstance(v, str) else v) for v in row] for row in rows)
