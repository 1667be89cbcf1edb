"""All rows of a data set as one table: those to train on, then any to validate on, then those to test on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import datasets
import numpy as np
import pyarrow as pa

from unlearn_cli.data.columns import is_plain, values_of
from unlearn_cli.errors import InputError


@dataclass(frozen=True)
class ImageTable:
    """Rows in the order of their parts."""

    rows: datasets.Dataset
    train: int
    """The first so many are to train on."""
    val: int
    """The next so many are to validate on; 0: a part of the train rows is."""
    notes: tuple[str, ...] = ()
    """What a person should know of what was read, and what not."""

    def select(self, which: np.ndarray) -> ImageTable:
        """The rows at these sorted positions."""
        train, val = (int((which < end).sum()) for end in (self.train, self.train + self.val))
        return replace(self, rows=self.rows.select(which), train=train, val=val - train)

    @property
    def part(self) -> np.ndarray:
        """(N,) number of each row's part: 0 train, 1 val, 2 test."""
        rows = np.arange(len(self.rows))
        return (rows >= self.train).astype(np.int64) + (rows >= self.train + self.val)


def joined(parts: Mapping[str, datasets.Dataset], image: str, label: str) -> datasets.Dataset:
    """The rows of all parts, one after another: the image column and those of plain values that all have.

    Classes are the same by name, whatever their numbers.

    Raises:
        InputError: rows without a label; columns that cannot be brought together.
    """
    _refuse_unlabelled(parts, label)
    first, *others = parts.values()
    names = [
        name
        for name, feature in first.features.items()
        if name == image or (is_plain(feature) and all(name in other.features for other in others))
    ]
    tables = [part.select_columns(names) for part in parts.values()]
    for name in names:
        if len({str(table.features[name]) for table in tables}) > 1:
            tables = _alike(tables, name, list(parts))
    return datasets.concatenate_datasets([table.select_columns(names) for table in tables])


def _alike(tables: Sequence[datasets.Dataset], name: str, parts: Sequence[str]) -> list[datasets.Dataset]:
    """The tables with a column of one kind: classes by name, whole numbers, or texts."""
    kinds = [_kind(table.features[name]) for table in tables]
    if {"classes", "whole numbers"} <= {*kinds}:
        classes, numbers = (parts[kinds.index(kind)] for kind in ("classes", "whole numbers"))
        raise InputError(
            f"data: the column '{name}' holds classes by name in {classes} and numbers in {numbers}; "
            "give both names"
        )
    values = [_named(table, name) for table in tables]
    if set(kinds) == {"whole numbers"}:
        return [
            _with(table, name, pa.array(one, pa.int64())) for table, one in zip(tables, values, strict=True)
        ]
    texts = [[None if value is None else str(value) for value in one] for one in values]
    if set(kinds) != {"classes"}:
        return [
            _with(table, name, pa.array(one, pa.string())) for table, one in zip(tables, texts, strict=True)
        ]
    known = list(dict.fromkeys(one for table in tables for one in table.features[name].names))
    feature = datasets.ClassLabel(names=known)
    return [
        _with(table, name, pa.array([None if text is None else known.index(text) for text in one]), feature)
        for table, one in zip(tables, texts, strict=True)
    ]


def _kind(feature: object) -> str:
    if isinstance(feature, datasets.ClassLabel):
        return "classes"
    return "whole numbers" if str(getattr(feature, "dtype", "")).lstrip("u").startswith("int") else "others"


def _named(table: datasets.Dataset, name: str) -> list:
    """The column's values, classes by name."""
    values, feature = values_of(table, name).to_pylist(), table.features[name]
    if not isinstance(feature, datasets.ClassLabel):
        return values
    return [None if value is None else feature.names[value] for value in values]


def _with(
    table: datasets.Dataset, name: str, values: pa.Array, feature: datasets.ClassLabel | None = None
) -> datasets.Dataset:
    feature = feature or datasets.Value(str(values.type))
    return table.remove_columns(name).add_column(name, values, feature=feature)


def _refuse_unlabelled(parts: Mapping[str, datasets.Dataset], label: str) -> None:
    """Rows without a label: empty, or -1 where classes are numbered from 0."""
    for table in parts.values():
        if not is_plain(table.features[label]):
            raise InputError(
                f"data.label_column: '{label}' holds {table.features[label]}, not one class per row"
            )
    columns = {part: values_of(table, label) for part, table in parts.items()}
    counted = any(
        pa.types.is_integer(column.type) and 0 in column.unique().to_pylist() for column in columns.values()
    )
    for part, column in columns.items():
        values, feature = column.unique().to_pylist(), parts[part].features[label]
        marks: list[object] = [
            value for value in values if value is None or (isinstance(value, str) and not value.strip())
        ]
        if (counted or isinstance(feature, datasets.ClassLabel)) and any(value == -1 for value in values):
            marks.append(-1)
        if marks:
            count = sum(value in marks for value in column.to_pylist())
            what = "are unlabelled (-1)" if -1 in marks else "have no label"
            hint = "; data.test_split=null holds out a part of the train rows" if part == "test" else ""
            raise InputError(f"data.label_column: {count} rows of '{label}' {what} in the {part} part{hint}")
