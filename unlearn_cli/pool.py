"""Pools of models that differ by seeds or rows, and the margins that each makes of all rows.

Attacks on single rows and KLOM are by many models, as they were trained and as a method unlearns them. Each
is a run of its own in all but its folder: its model and its margins are entries of the store.
"""

import copy
import logging
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from unlearn_cli.config.seeds import without_own_seed
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import Diverged, RunError
from unlearn_cli.evaluation.membership.margin import margins
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.logs import quietly
from unlearn_cli.runtime.progress import Remaining
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.side_by_side import POLL_SECONDS, pays, working
from unlearn_cli.storage.tensors import read_tensors, write_tensors
from unlearn_cli.tracking import NullSettings, Tracker
from unlearn_cli.unlearning import made

log = logging.getLogger("unlearn")

KIND = "margins"
TOLERATED = 0.1
"""Share of a pool that may diverge as a method unlearns it; the rest is what is looked at."""


@dataclass(eq=False)
class Pool(ABC):
    """Of a run, whose method unlearns them."""

    origins: Origins
    name: ClassVar[str]
    """What they are called."""

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def plain(self, number: int) -> Origins:
        """One of them as a run of its own: `get(Original())` is its model."""

    @abstractmethod
    def forgetting(self, number: int) -> Origins:
        """The same with the forget set that its method is to unlearn."""

    def one(self, number: int, unlearned: bool) -> Origins:
        """The run by which it is trained, or that by which it is unlearned."""
        return self.forgetting(number) if unlearned else self.plain(number)

    @cached_property
    def rows(self) -> np.ndarray:
        """(n,) every row of the splits, sorted: what the columns of margins stand for."""
        return self.origins.all_rows

    def all_margins(self, unlearned: bool) -> np.ndarray:
        """(count, n) φ of all, as trained or as unlearned; those that the store lacks are made."""
        missing, began = self._missing(unlearned), time.monotonic()
        progress = self._progress(missing, unlearned)
        for done, number in enumerate(missing, 1):
            with quietly():
                self.margins(number, unlearned)
            progress.left(left := len(missing) - done)
            if done == 1 and pays(self.origins.compute, left * (time.monotonic() - began)):
                self._make_side_by_side(missing[1:], unlearned)
        return np.stack([self.margins(number, unlearned) for number in range(self.count)])

    def converged(self, unlearned: bool) -> tuple[np.ndarray, np.ndarray]:
        """Which of them have not diverged, (count,) bool, and φ (m, n) of those.

        Raises:
            RunError: more than a tenth have; what is left is not what the method makes of a model.
        """
        found = self.all_margins(unlearned)
        whole = ~np.isnan(found).any(axis=1)
        if (lost := int((~whole).sum())) > TOLERATED * self.count:
            when, of = ("as they were unlearned", "method") if unlearned else ("in training", "train")
            raise RunError(
                f"{self.name}: {lost} of {self.count} diverged {when}, a tenth may; try a lower {of}.lr"
            )
        return whole, found[whole]

    def _make_side_by_side(self, numbers: list[int], unlearned: bool) -> None:
        """Those of these numbers that can be made; who makes the others next comes to their errors."""
        began, progress = time.monotonic(), self._progress(numbers, unlearned)
        with working(self.origins.experiment, type(self), numbers, unlearned) as at_work:
            while at_work():
                if stop_requested():
                    stop(f"while {self.name} were made")
                time.sleep(POLL_SECONDS)
                if progress.due:
                    progress.left(len(self._missing(unlearned)))
        self.origins.store.seconds += time.monotonic() - began

    def _missing(self, unlearned: bool) -> list[int]:
        return [number for number in range(self.count) if not self.is_made(number, unlearned)]

    def _progress(self, missing: list[int], unlearned: bool) -> Remaining:
        name = f"unlearned {self.name}" if unlearned else self.name
        return Remaining(name, len(missing), self.count, self.origins.experiment.progress)

    def margins(self, number: int, unlearned: bool) -> np.ndarray:
        """(n,) φ of one at all rows; made once. One with nothing to forget is unlearned as it is.

        All are NaN of one that diverges as it is unlearned. One that diverges in training is an error.
        """
        run = self.one(number, unlearned)
        if unlearned and not self.is_made(number, unlearned):
            self.margins(number, unlearned=False)  # trains it, which is no part of what unlearning it takes

        def make(folder: Path) -> None:
            model = run.get(Original()).model
            try:
                if unlearned and len(run.forget_set.rows):
                    model, _ = made(run, copy.deepcopy(model), folder, Tracker())
                logits = run.experiment.task.predict(model, run.trainer(folder), self.rows)
                found = margins(logits, run.data.labels[self.rows])
            except Diverged as error:
                log.warning("%s %d diverged as it was unlearned: %s", self.name, number + 1, error)
                found = np.full(len(self.rows), np.nan, dtype=np.float32)
            if run.compute.is_main:
                write_tensors(folder / f"{KIND}.safetensors", {KIND: torch.from_numpy(found)})

        folder = run.store.get(*self.entry(number, unlearned), make)
        return read_tensors(folder / f"{KIND}.safetensors")[KIND].numpy()

    def entry(self, number: int, unlearned: bool) -> tuple[str, dict[str, Any]]:
        """Kind and facts of the store's entry with these margins."""
        run = self.one(number, unlearned)
        facts = run.facts(run.splits.train) | {"measured": digest(self.rows)}
        if unlearned:
            chosen = self.origins.experiment.identity.configuration
            method = without_own_seed(chosen["method"])
            how = {group: chosen[group] for group in ("mask", "surgery", "lora")}
            how |= {"method": method, "seed": run.experiment.seeds.method}
            facts |= {"forget_rows": run.forget_set.fingerprint, "unlearned": how}
        return KIND, facts

    def is_made(self, number: int, unlearned: bool) -> bool:
        """Whether the store has them; of one as trained also its model, to be unlearned."""
        find, run = self.origins.store.find, self.plain(number)
        has_model = unlearned or find("model", run.facts(run.splits.train))
        return bool(has_model and find(*self.entry(number, unlearned)))


def reseeded(experiment: Experiment, seed: int) -> Experiment:
    """The run as it trains and unlearns under another seed; nothing of it is tracked."""
    own = {"seed": seed}
    others: dict[str, Any] = {
        "tracking": NullSettings(),
        "progress": False,
        "config": dict(experiment.config),
    }
    for stage in ("train", "method"):
        others[stage] = getattr(experiment, stage).model_copy(update=own)
        others["config"][stage] = experiment.config[stage] | own
    return experiment.model_copy(update=others)
