"""Ranges that `unlearn tune` draws values from: they stand beside the values, and move no number of a run."""

from __future__ import annotations

import math
from typing import Any, Protocol

from pydantic import Field, field_validator, model_validator
from typing_extensions import Self

from unlearn_cli.config.dormant import SEARCH
from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import did_you_mean

DIGITS = 3
"""Of a drawn value: more say nothing, and make commands hard to read."""
NEAR = 0.05
"""Of a range from its end."""


class Draws(Protocol):
    """What is asked of a NumPy generator."""

    def uniform(self, low: float, high: float) -> float: ...

    def integers(self, low: int, high: int) -> Any: ...


class Range(Settings):
    """From `low` to `high`, or a factor of the value in force."""

    low: float | None = Field(default=None, description="smallest value")
    high: float | None = Field(default=None, description="largest value")
    log: bool = Field(default=False, description="the logarithm is drawn evenly")
    times: list[float] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="smallest and largest factor of the value in force, drawn log-uniformly",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        ends = self.times or (self.low, self.high)
        if (self.times is None) != (self.low is not None and self.high is not None) or (
            self.times is not None and (self.low, self.high) != (None, None)
        ):
            raise ValueError("a range has low and high, or times=[a, b]")
        low, high = ends
        assert low is not None
        assert high is not None
        if low >= high or (low <= 0 and (self.log or self.times is not None)):
            raise ValueError("its first end lies below the other, and above 0 where the logarithm is drawn")
        return self

    def ends(self, value: Any) -> tuple[float, float, bool]:
        """Smallest and largest value, and whether their logarithm is drawn. value: in force."""
        if self.times:
            return self.times[0] * value, self.times[1] * value, True
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high, self.log

    def is_end(self, found: Any, value: Any) -> bool:
        """Whether what was found lies outside, or within a twentieth of an end. value: in force."""
        low, high, is_log = self.ends(value)
        if not _is_number(found) or (is_log and found <= 0):
            return _is_number(found)
        place = math.log(found / low) / math.log(high / low) if is_log else (found - low) / (high - low)
        return not NEAR < place < 1 - NEAR

    def fits(self, value: Any) -> bool:
        """Whether there is something to draw: nothing has a factor but a number above 0."""
        return self.times is None or (_is_number(value) and value > 0)

    def rounded(self, number: float, value: Any) -> Any:
        """As it is tried: whole where the value in force is, and then no factor makes it nothing."""
        if isinstance(value, int):
            return max(1, round(number)) if self.times else round(number)
        return float(f"{number:.{DIGITS}g}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def drawn(space: Range | list[Any], value: Any, draws: Draws) -> Any:
    """A value of the range, or one of the list; whole where the value in force is."""
    if isinstance(space, list):
        return space[int(draws.integers(0, len(space)))]
    low, high, is_log = space.ends(value)
    at = draws.uniform(math.log(low), math.log(high)) if is_log else draws.uniform(low, high)
    return space.rounded(math.exp(at) if is_log else at, value)


class Searched(Settings):
    """Values of which some can be chosen by `unlearn tune`."""

    search: dict[str, Range | list[Any]] = Field(
        default={},
        exclude=True,
        description="ranges of `unlearn tune`, by the value's name: {low: …, high: …, log: true}, "
        "{times: [a, b]} of the value in force, or a list of values; no run depends on them",
    )

    @field_validator(SEARCH)
    @classmethod
    def _is_of_values(cls, search: dict[str, Range | list[Any]]) -> dict[str, Range | list[Any]]:
        for name, space in search.items():
            if name.partition(".")[0] not in cls.model_fields.keys() - {SEARCH, "seed"}:
                raise ValueError(f"no value '{name}'; {did_you_mean(name, cls.model_fields)}")
            if isinstance(space, list) and not space:
                raise ValueError(f"nothing to choose '{name}' from")
        return search
