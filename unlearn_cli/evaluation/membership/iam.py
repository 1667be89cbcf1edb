"""IAM: where does a row's signal lie between that of models without it and that of models fitted to it?

Wang et al. 2025 (arXiv:2506.06112), its offline variant, as released (unlearning_lib/metrics/iam_score.py).
"""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field
from scipy.special import expit

from unlearn_cli.evaluation.membership.base import MembershipAttack, by_row
from unlearn_cli.evaluation.membership.game import Game

OUTER, INNER = 1e-2, 1e-5
"""Of the signal −log(OUTER − log(INNER + p)): they bound it where p is 1 and where it is 0."""
LEAST_SPREAD = 1e-10
LARGEST_EXPONENT = 700.0
"""Of e in double precision."""


class IAM(MembershipAttack):
    """Interpolated approximate measurement: one shadow model will do."""

    name: ClassVar[str] = "iam"

    steps: int = Field(gt=1, description="points from the signal without the row to the fitted one")
    variance: Literal["fixed", "estimated"] = Field(
        description="fixed: one for all rows, for few shadows; estimated: each row's own"
    )

    @property
    def least(self) -> tuple[int, int]:
        return 0, (1 if self.variance == "fixed" else 2)

    def scores(self, game: Game) -> np.ndarray:
        """Σ α_k₊₁ F(s; α_k) / Σ α_k₊₁, in [0, 1].

        F(·; α) is the distribution function of a Gumbel whose mean and deviation are those of the signals
        (1 − α) · without the row + α · fitted. Fitted: the mean signal of population rows that shadows
        learned, that of p = 1 where they learned none.
        """
        without = by_row(signal(game.shadows), ~game.inside, self.least[1])
        fitted = signal(game.population[game.population_inside])
        fit = fitted.mean() if len(fitted) else signal(np.array(np.inf))
        spread = np.nanstd(without, axis=0) if self.variance == "estimated" else np.nanstd(without)
        alpha = np.linspace(0, 1, self.steps)[:, None]
        mean = (1 - alpha[:-1]) * np.nanmean(without, axis=0) + alpha[:-1] * fit
        scale = np.maximum((1 - alpha[:-1]) * spread, LEAST_SPREAD) * np.sqrt(6) / np.pi
        reduced = (signal(game.target) - mean) / scale + np.euler_gamma
        return (alpha[1:] * np.exp(-np.exp(-reduced.clip(-LARGEST_EXPONENT)))).sum(axis=0) / alpha[1:].sum()


def signal(margin: np.ndarray) -> np.ndarray:
    """−log(ε₁ − log(ε₂ + p)) of p = 1 / (1 + exp(−margin))."""
    return -np.log(OUTER - np.log(INNER + expit(margin)))
