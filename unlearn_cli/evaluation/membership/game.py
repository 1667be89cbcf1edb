"""What an attack on single rows is given: the attacked model's margins and those of shadow models there."""

from dataclasses import dataclass, fields

import numpy as np

from unlearn_cli.errors import RunError

LARGEST_MARGIN = 100.0
"""Beyond it a probability is 0 or 1 in single precision; EasyDUB's bound, too."""


@dataclass(frozen=True)
class Game:
    """A membership game: which of n rows did the target learn?

    φ is the margin of a row's own class, z_y − logsumexp of all other logits, the logit of its probability
    (Carlini et al. 2022, arXiv:2112.03570, equation 5). It is kept within ±100, infinite ones included.

    Raises:
        RunError: a φ is NaN, the model has diverged.
    """

    target: np.ndarray
    """(n,) φ of the attacked model at the queried rows."""
    shadows: np.ndarray
    """(S, n) φ of the shadow models there."""
    inside: np.ndarray
    """(S, n) bool: the shadow learned the row (and unlearned it, where that is attacked)."""
    member: np.ndarray
    """(n,) bool, the truth. Attacks do not read it, only rates.py does."""
    population_target: np.ndarray
    """(m,) φ of the target at further rows that it never saw, none of them queried."""
    population: np.ndarray
    """(S, m) φ of the shadow models there."""
    population_inside: np.ndarray
    """(S, m) bool."""

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.asarray(getattr(self, field.name))
            object.__setattr__(self, field.name, values if values.dtype == bool else bounded(values))


def bounded(margins: np.ndarray) -> np.ndarray:
    """The margins in double precision, within ±100.

    Raises:
        RunError: some are NaN.
    """
    if nan := int(np.isnan(margins).sum()):
        raise RunError(
            f"attacks: {nan} of {margins.size} margins are not numbers, so a model has diverged; try a lower "
            "method.lr or train.lr"
        )
    return margins.astype(np.float64).clip(-LARGEST_MARGIN, LARGEST_MARGIN)
