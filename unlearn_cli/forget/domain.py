"""Whole domains: how pictures are drawn, whatever they show; methods see a few shots of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed, number_of, unknown
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.pseudo_domains import pseudo_domains
from unlearn_cli.runtime.seeding import rng

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


ALL_SUBSETS = "all_subsets"
"""What a sweep (hydra_plugins/unlearn_launcher.py) replaces by every choice of some domains."""


class Domain(Selector):
    """Training rows whose `column` holds one of `domains`, on all classes alike (ADU, NeurIPS 2025).

    Validation and test rows of these domains are what the forgetting is tried on. Where labels are dropped,
    methods are told a guess in their place.
    """

    column: str = Field(description="column whose values are the domains: domain, or any other")
    domains: list[str] = Field(
        min_length=1,
        description="domains to forget, as the column spells them; in a sweep all_subsets is every choice "
        "of them",
    )

    @field_validator("domains", mode="before")
    @classmethod
    def _listed(cls, names: Any) -> Any:
        return [names] if isinstance(names, str) else names

    shots: int | None = Field(
        gt=0, description="images of each class in each domain that methods see; null: all"
    )
    held_out: list[Annotated[int, Field(ge=0)] | str] = Field(
        description="classes that methods never see: does forgetting carry over?"
    )
    drop: float = Field(ge=0, le=1, description="share of the seen images whose domain is not known")
    guess: Literal["clusters", "texts"] = Field(
        description="how it is guessed, by the original model: k-means of image embeddings, or the nearest "
        "text that names a domain"
    )
    seed: int = Field(ge=0, description="draws the shots, and the images whose domain is not known")

    @model_validator(mode="after")
    def _has_names(self) -> Domain:
        if self.drop == 1 and self.guess == "clusters":
            raise InputError(
                "forget.drop: all domains dropped leave clusters without names; drop less, or set "
                "forget.guess=texts"
            )
        return self

    @property
    def column_of_domains(self) -> str:
        return self.column

    @property
    def needs_original(self) -> bool:
        return self.drop > 0

    def chosen(self, origins: Origins) -> ForgetSet:
        if not self.drop:
            return self.select(origins.data, origins.splits)
        _, true = self._domains(origins.data)
        visible = self._visible_rows(origins.data, origins.splits)
        dropped = np.sort(rng("dropped", self.seed).permutation(visible)[: round(self.drop * len(visible))])
        told_domains = true.copy()
        told_domains[dropped] = pseudo_domains(origins, self.column, visible, dropped, self.guess, self.seed)
        right = float((told_domains[dropped] == true[dropped]).mean()) if len(dropped) else 1.0
        found = {"domains guessed right": right}
        return self._forget_set_of(origins.data, origins.splits, visible, told_domains, found=found)

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        """With every domain known."""
        return self._forget_set_of(data, splits, self._visible_rows(data, splits), self._domains(data)[1])

    def _forget_set_of(
        self, data: ImageData, splits: Splits, visible: np.ndarray, told_domains: np.ndarray, **more: Any
    ) -> ForgetSet:
        names, true = self._domains(data)
        numbers = self._numbers(names)
        rows = visible[np.isin(told_domains[visible], numbers)]
        truly = np.isin(true, numbers)
        elsewhere = splits.outside_training
        return self.forget_set(
            "domain",
            rows,
            data,
            splits,
            withheld_rows=np.setdiff1d(splits.train[truly[splits.train]], rows),
            visible_rows=visible,
            forgotten_outside_training=elsewhere[truly[elsewhere]],
            groups=told_domains,
            **more,
        )

    def _domains(self, data: ImageData) -> tuple[list[str], np.ndarray]:
        """Names, and each row's number, (N,)."""
        if self.column not in data.columns:
            raise InputError(
                f"forget.column: no column '{self.column}' in {data.name}; there is {listed(data.columns)}"
            )
        names, numbers = np.unique(data.columns[self.column].astype(str), return_inverse=True)
        return names.tolist(), numbers

    def _numbers(self, names: list[str]) -> list[int]:
        """Of the domains to be forgotten. InputError: no such domain, or nothing would be left."""
        if self.domains == [ALL_SUBSETS]:
            raise InputError(f"forget.domains: {ALL_SUBSETS} is for a sweep; add -m, or name domains")
        for name in self.domains:
            if name not in names:
                raise unknown("forget.domains", "domain", name, names)
        if set(self.domains) == set(names):
            raise InputError(
                f"forget.domains: all {len(names)} domains; leave one of {listed(names)} to keep"
            )
        return [names.index(name) for name in self.domains]

    def _visible_rows(self, data: ImageData, splits: Splits) -> np.ndarray:
        """Exactly `shots` training rows of each class and domain, but for the classes held out."""
        names, domains = self._domains(data)
        self._numbers(names)
        away = [number_of("forget.held_out", "class", name, data.classes) for name in self.held_out]
        classes = [c for c in range(len(data.classes)) if c not in away]
        if not classes:
            raise InputError("forget.held_out: all classes; leave one at least to learn from")
        picked = []
        for c in classes:
            for d, name in enumerate(names):
                rows = splits.train[(data.labels[splits.train] == c) & (domains[splits.train] == d)]
                if self.shots is not None and len(rows) < self.shots:
                    raise InputError(
                        f"forget.shots: {self.shots}, but there are {len(rows)} training images of "
                        f"{data.classes[c]} in {name}; give that many at most, or null for all"
                    )
                picked.append(rng("shots", self.seed, c, d).permutation(rows)[: self.shots])
        return np.sort(np.concatenate(picked))
