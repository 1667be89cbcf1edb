"""Images of concepts, one each: a folder per concept, or some labels of a larger data set."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from unlearn_cli.data.columns import labels_of
from unlearn_cli.data.hub import HubImages
from unlearn_cli.data.image_table import ImageTable
from unlearn_cli.data.names import unknown
from unlearn_cli.data.source import Source


class Concepts(HubImages):
    """As `HubImages`, of some of its labels alone."""

    determines: ClassVar[frozenset[str]] = HubImages.determines | {"concepts"}

    concepts: tuple[str, ...] | None = Field(
        min_length=2, description="labels to use, as the data spell them; null: all"
    )

    def _table(self, source: Source) -> ImageTable:
        table = super()._table(source)
        if self.concepts is None:
            return table
        labels, names = labels_of(table.rows, self.label_column)
        for concept in self.concepts:
            if concept not in names:
                raise unknown("data.concepts", "label", concept, names)
        used = np.flatnonzero(np.isin(np.array(names)[labels], self.concepts))
        return table.select(used)
