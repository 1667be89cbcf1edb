"""Worst-case forget sets: what a model still knows after unlearning (Fan et al., ECCV 2024)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from unlearn_cli.config.settings import described
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.forget.account import write_account
from unlearn_cli.forget.bilevel import BilevelProblem, solve
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.forget.random import draw_without_replacement
from unlearn_cli.forget.selection import Selection
from unlearn_cli.forget.units import Units
from unlearn_cli.methods.original import Original
from unlearn_cli.storage.identity import by_content

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class WorstCase(BilevelProblem):
    """The m units that a model knows best after they were unlearned.

    min_w Σ w_i·ℓ(θ_u(w); z_i) + γ·‖w‖² over {0 ≤ w ≤ 1, Σw = m}, θ_u(w) by one of `lower`; then the m
    largest weights. `mode=easiest` turns the sign of ℓ. The weights are a score of difficulty for every unit.
    """

    unit: str = Field(description="sample, class, or a column of the data, such as prompt: chosen as a whole")
    seed: int = Field(ge=0, description="draws the random set")

    @property
    def trains(self) -> bool:
        return self.mode != "random"

    def facts(self) -> dict[str, Any]:
        return super().facts() | {"lower": by_content(described(self.lower))}

    def chosen(self, origins: Origins) -> ForgetSet:
        data, splits = origins.data, origins.splits
        if not self.trains:
            return self.select(data, splits)
        units, random = self._units_and_random_set(data, splits)

        def make(folder: Path) -> None:
            with origins.track_shared(folder, "selection") as tracker:
                found = solve(self, origins, units, random, folder, tracker)
            if origins.compute.is_main:
                write_account(found, units, random, self.mode, data, folder / "account")

        folder = origins.store.get("selection", self.selection_facts(origins), make)
        found = Selection.load(folder / "selection.pt")
        chosen = found.top(len(random), self.mode)
        summary = found.row | {
            "iterations": len(found.trajectory),
            "selected": len(random),
            "units": len(units),
            "seconds": found.cost["seconds"],
        }
        rows, account = units.rows_of(chosen), folder / "account"
        return self.forget_set("worst_case", rows, data, splits, found=summary, account=account)

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        units, random = self._units_and_random_set(data, splits)
        return self.forget_set("worst_case", units.rows_of(random), data, splits)

    def selection_facts(self, origins: Origins) -> dict[str, Any]:
        """Everything that determines the selection, for the store's key."""
        facts = origins.facts_of(Original()) | {"forget": self.facts()}
        return facts | origins.plugins("forget")

    def _units_and_random_set(self, data: ImageData, splits: Splits) -> tuple[Units, np.ndarray]:
        """The units, and the positions of m of them by chance."""
        units = Units.of(self.unit, data, splits.train)
        count = self.number(len(units), f"units ({self.unit})")
        if not 0 < count < len(units):
            key = "count" if self.count else "fraction"
            raise InputError(
                f"forget.{key}: {getattr(self, key)} is {count} of {len(units)} units ({self.unit}); "
                f"choose at least 1 and at most {len(units) - 1}"
            )
        return units, draw_without_replacement(np.arange(len(units)), count, self.seed)
