"""Images of the same classes in several domains, with a column that names them."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import datasets
import numpy as np
from pydantic import Field

from unlearn_cli.data.columns import plain_columns
from unlearn_cli.data.domain_tree import folders_of_domains, images_by_domain, table_of_domains
from unlearn_cli.data.hub import HubImages
from unlearn_cli.data.image_table import ImageTable
from unlearn_cli.data.names import unknown
from unlearn_cli.data.source import Parts, Source

DOMAIN = "domain"


class DomainImages(HubImages):
    """As `HubImages`, with a column `domain`; what is held out is a share of each class in each domain."""

    determines: ClassVar[frozenset[str]] = HubImages.determines | {"domains"}

    domains: tuple[str, ...] = Field(
        min_length=2, description="domains to use, as the column spells them; the rows of others are left out"
    )

    def _parts(self, source: Source) -> Parts:
        """Of a folder with one for each domain, DOMAIN/CLASS/*, all images that are there."""
        place = Path(source.place)
        if not (place.is_dir() and any(domain in folders_of_domains(place) for domain in self.domains)):
            return super()._parts(source)
        files, notes = images_by_domain(place, self.domains, "")
        return Parts(table_of_domains(place, files), None, None, tuple(notes))

    def _table(self, source: Source) -> ImageTable:
        table = super()._table(source)
        values = self._domain_of(table.rows)
        there = np.unique(values).tolist()
        for domain in self.domains:
            if domain not in there:
                raise unknown("data.domains", "domain", domain, there)
        used = np.flatnonzero(np.isin(values, self.domains))
        return table.select(used)

    def _strata(self, table: datasets.Dataset) -> np.ndarray:
        _, domains = np.unique(self._domain_of(table), return_inverse=True)
        return super()._strata(table) * (domains.max() + 1) + domains

    def _domain_of(self, table: datasets.Dataset) -> np.ndarray:
        """(N,) names. InputError if there is no such column."""
        if DOMAIN not in table.column_names:
            raise unknown("data", "column", DOMAIN, table.column_names)
        return np.array(plain_columns(table.select_columns([DOMAIN]))[DOMAIN]).astype(str)
