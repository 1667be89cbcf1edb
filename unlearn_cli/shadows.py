"""The pool of shadow models: trained as the original is, each on rows of its own, and unlearned as it is.

LiRA (Carlini et al. 2022, arXiv:2112.03570) trains them, U-LiRA (Hayes et al. 2024, arXiv:2403.01218)
unlearns them. A shadow is a run of other splits: its model and what it makes of rows are entries of the store
like any other.
"""

import copy
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from unlearn_cli.config.run_keys import Shadows
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Splits
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.membership.margin import margins
from unlearn_cli.evaluation.membership.queried import Queried, queried
from unlearn_cli.experiment import Experiment
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.logs import quietly
from unlearn_cli.runtime.progress import remaining
from unlearn_cli.runtime.seeding import fold, rng
from unlearn_cli.storage.tensors import read_tensors, write_tensors
from unlearn_cli.tracking import NullSettings, Tracker
from unlearn_cli.unlearning import made

KIND = "shadow"
"""Of the store's entries with what a shadow makes of all rows."""
MARGINS = "margins"


@lru_cache(maxsize=4)
def learned(count: int, rows: int, fraction: float, seed: int) -> np.ndarray:
    """(count, rows) bool, which shadow learns which row: of each row exactly round(fraction · count) do."""
    order = rng("shadows", seed).random((count, rows)).argsort(axis=0)
    return order < round(fraction * count)


@dataclass(eq=False)
class Pool:
    """The shadow models of a run. Which rows they learn has nothing to do with what is to be forgotten."""

    origins: Origins

    @property
    def settings(self) -> Shadows:
        return self.origins.experiment.shadows

    @cached_property
    def rows(self) -> np.ndarray:
        """(n,) every row of the splits: what the columns of `learned` and of margins stand for."""
        return self.origins.all_rows

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
        return self._run(number, self.origins.choose)

    def forgetting(self, number: int) -> Origins:
        """The same, with what it has of the rows to be forgotten as its forget set."""
        return self._run(number, lambda run: self._forget_set(run.splits))

    def margins(self, number: int, unlearned: bool) -> np.ndarray:
        """(n,) φ of a shadow at all rows, as trained or as unlearned by the run's method; made once."""

        def make(folder: Path) -> None:
            run = self.forgetting(number) if unlearned else self.plain(number)
            model = run.get(Original()).model
            if unlearned and len(run.forget_set.rows):
                model, _ = made(run, copy.deepcopy(model), folder, Tracker())
            found = self._margins(run, model, folder)
            if run.compute.is_main:
                write_tensors(folder / f"{MARGINS}.safetensors", {MARGINS: torch.from_numpy(found)})

        folder = self.origins.store.get(*self.entry(number, unlearned), make)
        return read_tensors(folder / f"{MARGINS}.safetensors")[MARGINS].numpy()

    def is_made(self, number: int, unlearned: bool) -> bool:
        """Whether the store has those margins; of a shadow as trained also its model, to be unlearned."""
        find, run = self.origins.store.find, self.plain(number)
        has_model = unlearned or find("model", run.facts(run.splits.train))
        return bool(has_model and find(*self.entry(number, unlearned)))

    def all_margins(self, unlearned: bool) -> np.ndarray:
        """(S, n) φ of all shadows; those that the store lacks are made, one after another."""
        name = "unlearned shadows" if unlearned else "shadows"
        numbers = range(self.settings.count)
        missing = [number for number in numbers if not self.is_made(number, unlearned)]
        for number in remaining(name, missing, self.settings.count, self.origins.experiment.progress):
            with quietly():
                self.margins(number, unlearned)
        return np.stack([self.margins(number, unlearned) for number in numbers])

    def entry(self, number: int, unlearned: bool) -> tuple[str, dict[str, Any]]:
        """Kind and facts of the store's entry with its margins."""
        run = self.forgetting(number) if unlearned else self.plain(number)
        facts = run.facts(run.splits.train) | {"measured": digest(self.rows)}
        if unlearned:
            chosen = self.origins.experiment.identity.configuration
            method = {key: value for key, value in chosen["method"].items() if key != "seed"}
            how = {group: chosen[group] for group in ("mask", "surgery", "lora")}
            facts |= {"forget_rows": run.forget_set.fingerprint, "method": method, **how}
        return KIND, facts

    def _run(self, number: int, choose: Any) -> Origins:
        mine = self.learned[number]
        data = self.origins.data
        train, rest = self.rows[mine], self.rows[~mine]
        nobody, seed = rest[:0], self.settings.seed
        splits = Splits(train, nobody, rest, seed, digest(data.fingerprint, train, nobody, rest))
        return Origins(
            self._experiment(number), self.origins.compute, self.origins.store, data, splits, choose
        )

    def _experiment(self, number: int) -> Experiment:
        """The run's, all seeds of training and unlearning the shadow's own; nothing of it is tracked."""
        experiment = self.origins.experiment
        seed = {"seed": fold("shadow", self.settings.seed, number)}
        others: dict[str, Any] = {
            "tracking": NullSettings(),
            "progress": False,
            "config": dict(experiment.config),
        }
        for stage in ("train", "method"):
            others[stage] = getattr(experiment, stage).model_copy(update=seed)
            others["config"][stage] = experiment.config[stage] | seed
        return experiment.model_copy(update=others)

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

    def _margins(self, run: Origins, model: nn.Module, folder: Path) -> np.ndarray:
        logits = run.experiment.task.predict(model, run.trainer(folder), self.rows)
        return margins(logits, run.data.labels[self.rows])


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
    _ = Pool(origins).queried
