"""The pool of shadow models: trained as the original is, each on rows of its own, and unlearned as it is.

LiRA (Carlini et al. 2022, arXiv:2112.03570) trains them, U-LiRA (Hayes et al. 2024, arXiv:2403.01218)
unlearns them. A shadow is a run of other splits: its model and what it makes of rows are entries of the store
like any other.
"""

from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from unlearn_cli.config import run_keys
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.membership.queried import Queried, queried
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.origins import Origins
from unlearn_cli.pool import Pool, reseeded
from unlearn_cli.runtime.seeding import fold, rng


@lru_cache(maxsize=4)
def learned(count: int, rows: int, fraction: float, seed: int) -> np.ndarray:
    """(count, rows) bool, which shadow learns which row: of each row exactly round(fraction · count) do."""
    order = rng("shadows", seed).random((count, rows)).argsort(axis=0)
    return order < round(fraction * count)


class Shadows(Pool):
    """The shadow models of a run. Which rows they learn has nothing to do with what is to be forgotten."""

    name = "shadows"

    @property
    def count(self) -> int:
        return self.settings.count

    @property
    def settings(self) -> run_keys.Shadows:
        return self.origins.experiment.shadows

    @property
    def learned(self) -> np.ndarray:
        """(S, n) bool."""
        pool = self.settings
        return learned(pool.count, len(self.rows), pool.fraction, pool.seed)

    @property
    def size(self) -> float:
        """How many rows a shadow learns, in the mean."""
        return self.settings.fraction * len(self.rows)

    @cached_property
    def queried(self) -> Queried:
        """Whom the attacks are asked about."""
        return queried(self.origins.sets, self.origins.data.labels, self.settings.seed)

    def plain(self, number: int) -> Origins:
        """A shadow as a run of its own: `get(Original())` is its model."""
        return self._shadow(number, self.origins.choose)

    def forgetting(self, number: int) -> Origins:
        """The same, with what it has of the rows to be forgotten as its forget set."""
        return self._shadow(number, lambda run: self._forget_set(run.splits))

    def _shadow(self, number: int, choose: Any) -> Origins:
        mine = self.learned[number]
        data = self.origins.data
        train, rest = self.rows[mine], self.rows[~mine]
        nobody, seed = rest[:0], self.settings.seed
        splits = Splits(train, nobody, rest, seed, digest(data.fingerprint, train, nobody, rest))
        experiment = reseeded(self.origins.experiment, fold("shadow", seed, number))
        return Origins(experiment, self.origins.compute, self.origins.store, data, splits, choose)

    def _forget_set(self, splits: Splits) -> ForgetSet:
        """What a shadow has of the forget set, and of the rows of its kind that no model attacked has seen.

        Where methods see a few shots alone, a shadow's are what it has of them and of the rows asked about.
        """
        whole, sets, data = self.origins.forget_set, self.origins.sets, self.origins.data
        asked = self.queried.forgotten_unseen
        same_kind = np.concatenate([sets.val_forgotten, sets.test_forgotten])
        further = np.setdiff1d(same_kind, asked)
        shown = whole.visible_rows
        rows, withheld = np.concatenate([whole.rows, asked]), whole.withheld_rows
        if shown is None:
            rows = np.concatenate([rows, further])
        else:
            withheld = np.concatenate([withheld, further])
        elsewhere = np.setdiff1d(np.concatenate([rows, withheld]), splits.train)
        rows, withheld = np.intersect1d(rows, splits.train), np.intersect1d(withheld, splits.train)
        lost = np.concatenate([rows, withheld])
        retained = np.setdiff1d(splits.train, lost)
        return ForgetSet(
            rows=rows,
            kind=whole.kind,
            facts=whole.facts,
            classes=tuple(np.setdiff1d(data.labels[lost], data.labels[retained]).tolist()),
            data_fingerprint=data.fingerprint,
            split_fingerprint=splits.fingerprint,
            withheld_rows=withheld,
            visible_rows=None if shown is None else np.intersect1d(np.union1d(shown, asked), splits.train),
            forgotten_outside_training=elsewhere if len(same_kind) else elsewhere[:0],
            groups=whole.groups,
        )


def check(origins: Origins) -> None:
    """Called before anything is trained, with the run or a rehearsal of it.

    Raises:
        InputError: shadows cannot forget what is to be forgotten, or there is nobody to ask about.
    """
    if not origins.experiment.eval.membership:
        return
    if len(origins.forget_set.anchors):
        raise InputError(
            "eval.attacks: what is to be forgotten has anchors, which shadow models have none of; "
            "set eval.attacks=[]"
        )
    _ = Shadows(origins).queried
