"""What prompts ask for, and which of it was to be forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.forget.concept import INSIDE

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


@dataclass(frozen=True)
class Axis:
    """A column of the data that a judge tells: colour, texture, class."""

    column: str
    values: list[str]
    requested: np.ndarray
    """(k,) int64: the value that each prompt asks for; −1: none of this column."""
    forgotten: tuple[int, ...]
    """Values that are to be forgotten."""

    @property
    def requests_forgotten(self) -> np.ndarray:
        """(k,) bool: the prompt asks for a forgotten value."""
        return np.isin(self.requested, self.forgotten)

    def share_right(self, judged: np.ndarray, which: np.ndarray) -> list[float]:
        """Share of images of the prompts `which` (k,) bool that show the value asked for; [] if none asks.

        judged: the value (n, k) that a judge saw in n images of each prompt.
        """
        asking = which & (self.requested >= 0)
        return [float((judged == self.requested)[:, asking].mean())] if asking.any() else []


@dataclass(frozen=True)
class PromptSet:
    """The prompts that a model is judged by."""

    prompts: list[str]
    inside: np.ndarray
    """(k,) bool: worded like those that a method may see; the others are other templates and paraphrases."""
    is_forgotten: np.ndarray
    """(k,) bool: to be forgotten."""
    axes: list[Axis]

    @classmethod
    def of(cls, origins: Origins, columns: list[str]) -> PromptSet:
        """All captions of the data; `columns` are the judged ones."""
        data, sets = origins.data, origins.sets
        captions = data.columns["caption"]
        prompts, rows = np.unique(captions.astype(str), return_index=True)
        words = {one.concept.casefold() for one in sets.concepts}
        axes = []
        for column in columns:
            names = data.columns[column][rows].astype(str)
            values = np.unique(names[names != ""])
            requested = np.where(names == "", -1, np.searchsorted(values, names))
            forgotten = tuple(i for i, value in enumerate(values) if value.casefold() in words)
            axes.append(Axis(column, [str(value) for value in values], requested, forgotten))
        inside = np.ones(len(rows), dtype=bool)
        if "prompts" in data.columns:
            inside = data.columns["prompts"][rows] == INSIDE
        is_forgotten = np.isin(data.labels[rows], sets.classes)
        for axis in axes:
            is_forgotten |= axis.requests_forgotten
        is_forgotten |= np.array(
            [any(one.is_named_in(prompt) for one in sets.concepts) for prompt in prompts]
        )
        return cls([str(prompt) for prompt in prompts], inside, is_forgotten, axes)

    @property
    def domain(self) -> list[Axis]:
        """The axes that the forgotten concepts lie on; all, if what is forgotten is no value of any."""
        return [axis for axis in self.axes if axis.forgotten] or self.axes

    @property
    def other_domains(self) -> list[Axis]:
        """The remaining axes."""
        return [axis for axis in self.axes if axis not in self.domain]

    def judged_values(self, outputs: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """By column (n, k): the value that its judge sees in each of n images of each prompt.

        outputs: by column the judge's logits (n·k, C), all prompts in turn.
        """
        shape = (-1, len(self.prompts))
        return {axis.column: outputs[axis.column].argmax(1).numpy().reshape(shape) for axis in self.axes}

    def shows_forgotten(self, judged: dict[str, np.ndarray]) -> np.ndarray:
        """(n, k) bool: the image of a forgotten prompt shows what was to be forgotten of it.

        judged: by column the value (n, k) that a judge saw in n images of each prompt. If no value was
        forgotten but prompts: all that the prompt asks for. Without meaning for the prompts that stay.
        """
        found = np.ones_like(next(iter(judged.values())), dtype=bool)
        for axis in self.domain:
            right = judged[axis.column] == axis.requested
            # of several concepts on several axes, a prompt need only lose its own
            found &= right | ~axis.requests_forgotten if axis.forgotten else right | (axis.requested < 0)
        return found

    def anchored(self, concepts: Sequence[Substitution]) -> list[str]:
        """The prompts with anchors in the concepts' place; as they are where they name none."""
        return [reduce(lambda text, one: one.to_anchor(text), concepts, prompt) for prompt in self.prompts]

    def part(self, places: np.ndarray) -> PromptSet:
        """Those of the prompts alone, in this order."""
        axes = [replace(axis, requested=axis.requested[places]) for axis in self.axes]
        prompts = [self.prompts[place] for place in places]
        return PromptSet(prompts, self.inside[places], self.is_forgotten[places], axes)


def unlearn_canvas(prompts: PromptSet, judged: dict[str, np.ndarray], which: np.ndarray) -> dict[str, float]:
    """UA, IRA and CRA in percent over the prompts `which` (k,) bool (UnlearnCanvas, Zhang et al. 2024).

    judged: by column the value (n, k) that a judge saw in n images of each prompt. UA: forgotten prompts
    whose image does not show a forgotten value (if prompts were forgotten and no value: not all they ask
    for). IRA: right on the concept's own axis, for the prompts that stay. CRA: right on the other axes, for
    all prompts. Each is left out where there is nothing to measure it on.
    """
    forgotten, kept = which & prompts.is_forgotten, which & ~prompts.is_forgotten
    values: dict[str, float] = {}
    if forgotten.any():
        values["UA"] = 100 * float(1 - prompts.shows_forgotten(judged)[:, forgotten].mean())
    parts = {"IRA": (prompts.domain, kept), "CRA": (prompts.other_domains, which)}
    for name, (axes, measured) in parts.items():
        if shares := [share for axis in axes for share in axis.share_right(judged[axis.column], measured)]:
            values[name] = 100 * float(np.mean(shares))
    return values


def evenly_spread(places: np.ndarray, count: int) -> np.ndarray:
    """So many of the places at most, the first and the last among them."""
    return places[np.linspace(0, len(places) - 1, min(count, len(places))).astype(int)]
