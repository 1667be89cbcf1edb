"""Rows that share a value of any column: an attribute, a domain, a person, a coarse label."""

from typing import Any

import numpy as np
from pydantic import Field, field_validator

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import listed, unknown
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector, part_of
from unlearn_cli.forget.forget_set import ForgetSet, nothing


class Group(Selector):
    """Training rows whose `column` is one of `values`. Wholly forgotten, they leave validation and test."""

    column: str = Field(
        description="column of the data that says what is forgotten: an attribute, a domain, a person"
    )
    values: list[bool | int | float | str] = Field(
        min_length=1, description="values whose rows are forgotten, as the column spells them; one or a list"
    )
    fraction: float | None = Field(
        gt=0, lt=1, description="part of their rows that is forgotten; null: all, and they leave TA"
    )
    seed: int = Field(ge=0, description="draws that part; follows `seed` unless set")

    @field_validator("values", mode="before")
    @classmethod
    def _as_list(cls, values: Any) -> Any:
        return [values] if isinstance(values, bool | int | float | str) else values

    @property
    def draws(self) -> bool:
        return self.fraction is not None

    @property
    def column_of_domains(self) -> str:
        return self.column

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        if self.column not in data.columns:
            raise InputError(f"forget.column: no column '{self.column}'; there is {listed(data.columns, 50)}")
        column = data.columns[self.column].astype(str)
        for value in self.values:
            if not (column[splits.train] == str(value)).any():
                raise unknown("forget.values", "value", value, np.unique(column[splits.train]).tolist())
        holds = np.isin(column, [str(value) for value in self.values])
        rows = part_of(splits.train[holds[splits.train]], self.fraction, self.seed)
        elsewhere = splits.outside_training
        gone = nothing() if self.fraction else elsewhere[holds[elsewhere]]
        return self.forget_set("group", rows, data, splits, forgotten_outside_training=gone)
