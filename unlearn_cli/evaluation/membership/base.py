"""What attacks on single rows have in common."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluation.membership.game import Game


class MembershipAttack(Settings, ABC):
    """Tells rows that a model learned from rows that it never saw."""

    name: ClassVar[str]
    """As typed in eval.attacks, and of its keys: eval.<name>."""

    @property
    @abstractmethod
    def least(self) -> tuple[int, int]:
        """How many shadows of a row it needs: that learned it, that never saw it."""

    @abstractmethod
    def scores(self, game: Game) -> np.ndarray:
        """(n,) float: the higher, the likelier a member. Reads everything of the game but `member`."""

    def check(self, count: int, fraction: float) -> None:
        """Called before anything is trained. Of `count` shadows round(fraction · count) learned each row.

        Raises:
            InputError: too few learned a row, or too few did not.
        """
        inside = round(fraction * count)
        if inside < self.least[0] or count - inside < self.least[1]:
            raise InputError(
                f"shadows.count: of {count} shadows {inside} learn a row and {count - inside} do not, the "
                f"attack {self.name} needs {self.least[0]} and {self.least[1]}; give more, or another "
                "shadows.fraction"
            )


def by_row(values: np.ndarray, chosen: np.ndarray, least: int = 1) -> np.ndarray:
    """(S, n) values of the chosen shadows by row, NaN elsewhere.

    Raises:
        RunError: fewer than `least` shadows are chosen for some row.
    """
    if lacking := int((chosen.sum(axis=0) < least).sum()):
        raise RunError(
            f"attacks: {lacking} of {chosen.shape[1]} rows have fewer than {least} shadow models to compare; "
            "give more, shadows.count"
        )
    return np.where(chosen, values, np.nan)
