"""Labels and other plain columns of a table, as numbers and names."""

import datasets
import numpy as np
import pyarrow as pa

from unlearn_cli.errors import InputError


def labels_of(table: datasets.Dataset, column: str) -> tuple[np.ndarray, list[str]]:
    """((N,) int64 class numbers, class names): a ClassLabel's own, else the sorted values of the column."""
    values, feature = values_of(table, column), table.features[column]
    if isinstance(feature, datasets.ClassLabel):
        labels, classes = values.to_numpy().astype(np.int64), list(feature.names)
    elif is_plain(feature) and not pa.types.is_floating(values.type):
        names, labels = np.unique(values.to_numpy(), return_inverse=True)
        classes = [str(name) for name in names]
    else:
        raise InputError(f"data.label_column: '{column}' holds {feature}, not one class per row")
    if len(np.unique(labels)) < 2:
        raise InputError(
            f"data.label_column: all rows of '{column}' are of one class; two at least are needed"
        )
    return labels.astype(np.int64), classes


def plain_columns(table: datasets.Dataset) -> pa.Table:
    """The columns with one number, text or class per row, class numbers spelt as names."""
    names = [name for name, feature in table.features.items() if is_plain(feature)]
    plain = _arrow(table, names)
    for position, name in enumerate(names):
        feature = table.features[name]
        if isinstance(feature, datasets.ClassLabel):
            spelt = pa.array(np.array(feature.names, dtype=object)[plain[name].to_numpy()])
            plain = plain.set_column(position, name, spelt)
    return plain.replace_schema_metadata()


def values_of(table: datasets.Dataset, column: str) -> pa.ChunkedArray:
    """A column as it is stored, class numbers as numbers."""
    return _arrow(table, [column])[column]


def _arrow(table: datasets.Dataset, names: list[str]) -> pa.Table:
    return table.select_columns(names).with_format("arrow")[:]


def is_plain(feature: object) -> bool:
    """Whether a column has one number, text or class per row."""
    return isinstance(feature, datasets.ClassLabel | datasets.Value)
