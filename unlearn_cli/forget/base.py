"""Selectors choose the forget set: what every one of them has, and those that take a fraction or a number."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, model_validator

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.forget_set import ForgetSet, nothing
from unlearn_cli.runtime.seeding import rng

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

log = logging.getLogger("unlearn")


class Selector(Settings, ABC):
    """Chooses the forget set. The fields are the configuration's keys under `forget`."""

    @property
    def trains(self) -> bool:
        """Whether models are trained to choose it: then it is worth being kept in the store."""
        return False

    @property
    def needs_original(self) -> bool:
        """Whether the original model is asked."""
        return self.trains

    @property
    def draws(self) -> bool:
        """Whether its seed has a say in which rows are chosen."""
        return True

    @property
    def column_of_domains(self) -> str | None:
        """The column of the data whose values are to be forgotten or kept as a whole, if there is one."""
        return None

    def check(self, origins: Origins) -> None:
        """Called before anything is trained or written.

        Raises:
            InputError: the settings do not fit the task or the data.
        """

    def chosen(self, origins: Origins) -> ForgetSet:
        """The forget set of a run. InputError if nothing, or nothing else, would be left."""
        return self.select(origins.data, origins.splits)

    def answered(self, data: ImageData) -> dict[str, Any] | None:
        """What a certificate says of the request that the run answers, fit for JSON; None: there is none."""
        return None

    @abstractmethod
    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        """Rows of `splits.train` by the data alone: the set, or one of its kind if it `needs_original`."""

    def forget_set(
        self, kind: str, rows: np.ndarray, data: ImageData, splits: Splits, **more: Any
    ) -> ForgetSet:
        """The forget set of these rows, once something stands on either side."""
        if not len(rows):
            raise InputError(
                f"forget: {self._as_configured()} chooses none of {len(splits.train)} training rows"
            )
        if len(rows) == len(splits.train):
            raise InputError(
                f"forget: {self._as_configured()} chooses all {len(rows)} training rows; none is retained"
            )
        not_retained = np.concatenate([rows, more.get("withheld_rows", nothing())])
        retained = np.setdiff1d(splits.train, not_retained)
        _tell_of_copies(rows, retained, data)
        wholly_forgotten = np.setdiff1d(data.labels[not_retained], data.labels[retained])
        return ForgetSet(
            rows=np.sort(rows).astype(np.int64),  # anchors, if given, are in the order of sorted rows
            kind=kind,
            facts=self.facts(),
            classes=tuple(wholly_forgotten.tolist()),
            data_fingerprint=data.fingerprint,
            split_fingerprint=splits.fingerprint,
            **more,
        )

    def facts(self) -> dict[str, Any]:
        """The parameters, fit for JSON."""
        return self.model_dump(mode="json")

    def _as_configured(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self if value is not None)


def _tell_of_copies(rows: np.ndarray, retained: np.ndarray, data: ImageData) -> None:
    """A line if retained rows have exactly the images that are to be forgotten: the oracle learns them."""
    if data.copies is None:
        return
    copied = int(np.isin(data.copies[rows], data.copies[retained]).sum())
    if copied:
        log.warning(
            "forget: %d of %d rows have an exact copy among the retained rows; data.duplicates=drop "
            "leaves one of each",
            copied,
            len(rows),
        )


class Counted(Selector):
    """A selector that takes a fraction or a number of what there is."""

    fraction: float | None = Field(
        gt=0,
        lt=1,
        description="part of all units that is forgotten, rows or what `unit` says; null: `count` says how "
        "many",
    )
    count: int | None = Field(
        gt=0, description="units that are forgotten, instead of a fraction (forget.fraction=null)"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Counted:
        if (self.fraction is None) == (self.count is None):
            said = "neither" if self.fraction is None else "both"
            raise InputError(
                f"forget.fraction, forget.count: {said} given; give one and set the other to null, "
                f"as in forget.fraction=null forget.count=500"
            )
        return self

    def number(self, there: int, things: str) -> int:
        """How many of so many. InputError if there are fewer."""
        count = self.count or round(float(self.fraction or 0) * there)
        if count > there:
            raise InputError(f"forget.count: {count} of {there} {things}; give fewer")
        return count


def part_of(rows: np.ndarray, fraction: float | None, *seed: object) -> np.ndarray:
    """round(fraction * n) of the rows, drawn without replacement; all of them if `fraction` is None."""
    if fraction is None:
        return rows
    return rng("forget", *seed).permutation(rows)[: round(fraction * len(rows))]
