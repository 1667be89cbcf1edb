"""RMIA: by how much likelier does the model make this row than it makes rows that it never saw?

Zarifzadeh, Liu and Shokri 2024 (arXiv:2312.03262).
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from unlearn_cli.evaluation.membership.base import MembershipAttack, by_row
from unlearn_cli.evaluation.membership.game import Game


class RMIA(MembershipAttack):
    """Pairwise likelihood ratios of a row and a population; few shadow models will do."""

    name: ClassVar[str] = "rmia"

    mode: Literal["online", "offline"] = Field(
        description="online: Pr(x) of shadows with and without the row; offline: of those without it, and a"
    )
    gamma: float = Field(gt=0, description="γ, by which a ratio has to exceed the population's")
    a: float = Field(ge=0, le=1, description="offline: Pr(x) is taken to be ((1 + a) Pr_out(x) + 1 − a) / 2")

    @property
    def least(self) -> tuple[int, int]:
        return (1 if self.mode == "online" else 0), 1

    def scores(self, game: Game) -> np.ndarray:
        """Share of the population's z with [Pr(x|θ) / Pr(x)] / [Pr(z|θ) / Pr(z)] > γ."""
        rows = self._ratios(game.target, game.shadows, game.inside)
        population = self._ratios(game.population_target, game.population, game.population_inside)
        return np.searchsorted(np.sort(population), rows / self.gamma) / len(population)

    def _ratios(self, target: np.ndarray, shadows: np.ndarray, inside: np.ndarray) -> np.ndarray:
        """Pr(x|θ) / Pr(x) of each row, from margins: Pr = 1 / (1 + exp(−φ))."""
        probability = expit(shadows)
        unseen = np.nanmean(by_row(probability, ~inside), axis=0)
        if self.mode == "online":
            learned = np.nanmean(by_row(probability, inside), axis=0)
        else:
            learned = self.a * unseen + 1 - self.a
        return expit(target) / ((learned + unseen) / 2)
