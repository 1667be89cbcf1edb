"""Which rows attacks are asked about, and which rows that the attacked model never saw stand beside them."""

from dataclasses import dataclass

import numpy as np

from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.seeding import rng

QUERIED = 0.75
"""Share of the rows never seen that is queried; the rest is the population."""
MOST = 2000
"""Rows of each part at most, but for those to be forgotten."""


@dataclass(frozen=True)
class Queried:
    """The rows of both games, each part in a random order.

    None of them is in two parts; all but `forgotten` and `retained` were never seen by the attacked model.
    """

    forgotten: np.ndarray
    """Members of the game on forgotten rows: the forget set."""
    forgotten_unseen: np.ndarray
    """Its non-members, rows of the same kind: shadows that learned them forget them, too."""
    retained: np.ndarray
    """Members of the game on retained rows."""
    retained_unseen: np.ndarray
    """Its non-members: shadows that learned them keep them."""
    population: np.ndarray

    @property
    def games(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Members and non-members by the game's name."""
        return {
            "forget": (self.forgotten, self.forgotten_unseen),
            "retain": (self.retained, self.retained_unseen),
        }


def queried(sets: Sets, labels: np.ndarray, seed: int) -> Queried:
    """Drawn from the sets of a run.

    Of whole classes, domains and concepts the rows of the same kind are their validation and test rows; of
    other forget sets half of the validation and test rows of the classes that it has. There are as many
    non-members as members at most: then shadows, which forget both, forget as much as the model attacked.

    Args:
        labels: (N,)

    Raises:
        InputError: there are too few validation and test rows.
    """
    draw = rng("queried", seed)
    unseen = draw.permutation(np.union1d(sets.val, sets.test))
    same_kind = draw.permutation(np.union1d(sets.val_forgotten, sets.test_forgotten))
    if not len(same_kind):
        alike = unseen[np.isin(labels[unseen], labels[sets.forget])]
        same_kind = alike[: len(alike) // 2]
        unseen = unseen[~np.isin(unseen, same_kind)]
    of_forgotten = min(int(np.ceil(QUERIED * len(same_kind))), len(sets.forget))
    of_retained = min(int(np.ceil(QUERIED * len(unseen))), MOST)
    population = np.concatenate([same_kind[of_forgotten:], unseen[of_retained:]])
    for count, kind in ((of_forgotten, "forgotten"), (of_retained, "retained"), (len(population), "other")):
        if not count:
            raise InputError(
                f"eval.attacks: {len(sets.val)} validation and {len(sets.test)} test rows, and none to ask "
                f"about beside {kind} ones; give more of them (data.val_fraction), or eval.attacks=[]"
            )
    return Queried(
        draw.permutation(sets.forget),
        same_kind[:of_forgotten],
        draw.permutation(sets.unforgotten)[:MOST],
        unseen[:of_retained],
        draw.permutation(population)[:MOST],
    )
