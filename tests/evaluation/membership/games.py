"""Membership games whose best attack is known: each row's margin is Gaussian, with and without the row."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import norm

from unlearn_cli.evaluation.membership.game import Game


@dataclass(frozen=True)
class LinearGaussian:
    """A model is the mean of k learned rows plus noise, its margin at a row their scalar product.

    Rows x are known, the other k − 1 learned ones are drawn from N(0, I) and the noise from N(0, τ² I), so
    that the margin is exactly Gaussian. Without the row: mean 0, variance |x|² (1/k + τ²). With it: mean
    |x|²/k, variance |x|² ((k − 1)/k² + τ²). A shift of each row's own stands for how easy it is.
    """

    squares: np.ndarray
    shifts: np.ndarray
    learned: int = 8
    noise: float = 0.1

    def moments(self, inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        k = self.learned
        mean = self.shifts + inside * self.squares / k
        variance = self.squares * (np.where(inside, (k - 1) / k**2, 1 / k) + self.noise**2)
        return mean, np.sqrt(variance)

    def draw(self, rng: np.random.Generator, inside: np.ndarray) -> np.ndarray:
        mean, deviation = self.moments(inside)
        return mean + deviation * rng.normal(size=inside.shape)

    def best(self, margins: np.ndarray) -> np.ndarray:
        """The log likelihood ratio: no test is better (Neyman and Pearson)."""
        with_row, without = (self.moments(np.full(len(margins), side)) for side in (True, False))
        return norm.logpdf(margins, *with_row) - norm.logpdf(margins, *without)


def linear_gaussian_game(rows: int, shadows: int, seed: int = 0) -> tuple[LinearGaussian, Game]:
    """Half of the rows are members, half of the shadows have each row; as many rows are population."""
    rng = np.random.default_rng(seed)
    model = LinearGaussian(rng.chisquare(10, 2 * rows), rng.normal(0, 3, 2 * rows))
    inside = rng.permuted(np.tile(np.arange(shadows)[:, None] < shadows // 2, 2 * rows), axis=0)
    member = rng.permutation(np.arange(rows) < rows // 2)
    target = model.draw(rng, np.concatenate([member, np.zeros(rows, bool)]))
    margins = model.draw(rng, inside)
    mine, rest = slice(rows), slice(rows, None)
    game = Game(
        *(target[mine], margins[:, mine], inside[:, mine], member),
        *(target[rest], margins[:, rest], inside[:, rest]),
    )
    return replace(model, squares=model.squares[mine], shifts=model.shifts[mine]), game


def null_game(rng: np.random.Generator, rows: int, shadows: int, noise: float = 1) -> Game:
    """Rows leave no trace: the target has seen none, whatever `member` says."""
    shifts = rng.normal(0, 2, (1, 2 * rows))
    margins = shifts + noise * rng.normal(size=(shadows + 1, 2 * rows))
    inside = rng.permuted(np.tile(np.arange(shadows)[:, None] < shadows // 2, 2 * rows), axis=0)
    member = rng.permutation(np.arange(rows) < rows // 2)
    return Game(
        *(margins[0, :rows], margins[1:, :rows], inside[:, :rows], member),
        *(margins[0, rows:], margins[1:, rows:], inside[:, rows:]),
    )
