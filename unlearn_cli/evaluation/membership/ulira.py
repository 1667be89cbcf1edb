"""U-LiRA: the likelihood ratio of a row's margin, by Gaussians of shadow models with and without the row.

Hayes et al. 2024 (arXiv:2403.01218) attack unlearned models by the LiRA of Carlini et al. 2022
(arXiv:2112.03570, Algorithm 1): its shadows with the row have unlearned it.
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from unlearn_cli.evaluation.membership.base import MembershipAttack, by_row
from unlearn_cli.evaluation.membership.game import Game

LEAST_SPREAD = 1e-6
"""Of margins, which are kept in single precision: shadows that all agree are not surer than that."""


class ULiRA(MembershipAttack):
    """Likelihood ratio by example."""

    name: ClassVar[str] = "ulira"

    mode: Literal["online", "offline"] = Field(
        description="online: shadows with and without the row; offline: only those without it, one-sided"
    )
    variance: Literal["fixed", "estimated"] = Field(
        description="fixed: one for all rows, for up to 64 shadows; estimated: each row's own"
    )

    @property
    def least(self) -> tuple[int, int]:
        return (self._each if self.mode == "online" else 0), self._each

    @property
    def _each(self) -> int:
        return 1 if self.variance == "fixed" else 2

    def scores(self, game: Game) -> np.ndarray:
        """log N(φ; μ_in, σ_in²) − log N(φ; μ_out, σ_out²), or offline (φ − μ_out) / σ_out."""
        mean_out, spread_out = self._gaussians(by_row(game.shadows, ~game.inside, self._each))
        distance_out = (game.target - mean_out) / spread_out
        if self.mode == "offline":
            return distance_out
        mean_in, spread_in = self._gaussians(by_row(game.shadows, game.inside, self._each))
        distance_in = (game.target - mean_in) / spread_in
        return (distance_out**2 - distance_in**2) / 2 + np.log(spread_out / spread_in)

    def _gaussians(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Median and standard deviation of each row of (S, n) values, NaN where a shadow does not count."""
        if self.variance == "estimated":
            spread = np.nanstd(values, axis=0)
        else:
            spread = np.sqrt(np.nanmean((values - np.nanmean(values, axis=0)) ** 2))
        return np.nanmedian(values, axis=0), np.maximum(spread, LEAST_SPREAD)
