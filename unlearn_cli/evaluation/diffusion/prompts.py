"""What prompts ask for, and which of it was to be forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.forget.concept import INSIDE

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


@dataclass(frozen=True)
class Axis:
    """A column of the data that a judge tells: colour, texture, class."""

    column: str
    values: list[str]
    asked: np.ndarray
    """(k,) int64: the value that each prompt asks for; −1: none of this column."""
    forgotten: tuple[int, ...]
    """Values that are to be forgotten."""

    @property
    def gone(self) -> np.ndarray:
        """(k,) bool: the prompt asks for a forgotten value."""
        return np.isin(self.asked, self.forgotten)

    def right(self, seen: np.ndarray, which: np.ndarray) -> list[float]:
        """Share of images of the prompts `which` (k,) bool that show the value asked for; [] if none asks.

        seen: the value (n, k) that a judge saw in n images of each prompt.
        """
        asking = which & (self.asked >= 0)
        return [float((seen == self.asked)[:, asking].mean())] if asking.any() else []


@dataclass(frozen=True)
class Asked:
    """The prompts that a model is judged by."""

    prompts: list[str]
    inside: np.ndarray
    """(k,) bool: worded like those that a method may see; the others are other templates and paraphrases."""
    gone: np.ndarray
    """(k,) bool: to be forgotten."""
    axes: list[Axis]

    @classmethod
    def of(cls, origins: Origins, columns: list[str]) -> Asked:
        """All captions of the data; `columns` are the judged ones."""
        data, sets = origins.data, origins.sets
        captions = data.columns["caption"]
        prompts, rows = np.unique(captions.astype(str), return_index=True)
        words = {one.concept.casefold() for one in sets.concepts}
        axes = []
        for column in columns:
            names = data.columns[column][rows].astype(str)
            values = np.unique(names[names != ""])
            asked = np.where(names == "", -1, np.searchsorted(values, names))
            forgotten = tuple(i for i, value in enumerate(values) if value.casefold() in words)
            axes.append(Axis(column, [str(value) for value in values], asked, forgotten))
        inside = np.ones(len(rows), dtype=bool)
        if "prompts" in data.columns:
            inside = data.columns["prompts"][rows] == INSIDE
        gone = np.isin(data.labels[rows], sets.classes)
        for axis in axes:
            gone |= axis.gone
        gone |= np.array([any(one.named(prompt) for one in sets.concepts) for prompt in prompts])
        return cls([str(prompt) for prompt in prompts], inside, gone, axes)

    @property
    def domain(self) -> list[Axis]:
        """The axes that the forgotten concepts lie on; all, if what is forgotten is no value of any."""
        return [axis for axis in self.axes if axis.forgotten] or self.axes

    @property
    def other_domains(self) -> list[Axis]:
        """The remaining axes."""
        return [axis for axis in self.axes if axis not in self.domain]

    def shown(self, seen: dict[str, np.ndarray]) -> np.ndarray:
        """(n, k) bool: the image of a forgotten prompt shows what was to be forgotten of it.

        seen: by column the value (n, k) that a judge saw in n images of each prompt. If no value was
        forgotten but prompts: all that the prompt asks for. Without meaning for the prompts that stay.
        """
        found = np.ones_like(next(iter(seen.values())), dtype=bool)
        for axis in self.domain:
            right = seen[axis.column] == axis.asked
            # of several concepts on several axes, a prompt need only lose its own
            found &= right | ~axis.gone if axis.forgotten else right | (axis.asked < 0)
        return found

    def anchored(self, concepts: Sequence[Substitution]) -> list[str]:
        """The prompts with anchors in the concepts' place; as they are where they name none."""
        return [reduce(lambda text, one: one.to_anchor(text), concepts, prompt) for prompt in self.prompts]

    def part(self, places: np.ndarray) -> Asked:
        """Those of the prompts alone, in this order."""
        axes = [replace(axis, asked=axis.asked[places]) for axis in self.axes]
        prompts = [self.prompts[place] for place in places]
        return Asked(prompts, self.inside[places], self.gone[places], axes)


def unlearn_canvas(asked: Asked, seen: dict[str, np.ndarray], which: np.ndarray) -> dict[str, float]:
    """UA, IRA and CRA in percent over the prompts `which` (k,) bool (UnlearnCanvas, Zhang et al. 2024).

    seen: by column the value (n, k) that a judge saw in n images of each prompt. UA: forgotten prompts whose
    image does not show a forgotten value (if prompts were forgotten and no value: not all they ask for).
    IRA: right on the concept's own axis, for the prompts that stay. CRA: right on the other axes, for all
    prompts. Each is left out where there is nothing to measure it on.
    """
    gone, kept = which & asked.gone, which & ~asked.gone
    values: dict[str, float] = {}
    if gone.any():
        values["UA"] = 100 * float(1 - asked.shown(seen)[:, gone].mean())
    parts = {"IRA": (asked.domain, kept), "CRA": (asked.other_domains, which)}
    for name, (axes, prompts) in parts.items():
        if shares := [share for axis in axes for share in axis.right(seen[axis.column], prompts)]:
            values[name] = 100 * float(np.mean(shares))
    return values
