"""KLOM: unlearned models beside oracles of the same rows, both under as many seeds as there are oracles."""

import logging

import numpy as np
from torch import Tensor

from unlearn_cli.evaluation.membership.klom import klom, klom_metrics
from unlearn_cli.evaluation.membership.margin import margins
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin
from unlearn_cli.origins import Origins
from unlearn_cli.pool import Pool, reseeded

log = logging.getLogger("unlearn")


class Seeds(Pool):
    """The run under the seeds of its oracles, its own first, which train and unlearn."""

    name = "originals over seeds"

    @property
    def count(self) -> int:
        return self.origins.experiment.oracle.count

    def plain(self, number: int) -> Origins:
        return self.forgetting(number)

    def forgetting(self, number: int) -> Origins:
        run = self.origins
        experiment = reseeded(run.experiment, run.experiment.seeds.train + number)
        return Origins(experiment, run.compute, run.store, run.data, run.splits, lambda _: run.forget_set)


def klom_of_method(origins: Origins) -> dict[str, float]:
    """KLOM of the method's models; none where it is not asked for."""
    return _klom(origins, unlearned=True) if origins.experiment.eval.has_klom else {}


def klom_of_reference(origins: Origins, origin: Origin) -> dict[str, float]:
    """KLOM of the originals; none of an oracle."""
    is_original = origin.key == origins.key(Original())
    return _klom(origins, unlearned=False) if origins.experiment.eval.has_klom and is_original else {}


def _klom(origins: Origins, unlearned: bool) -> dict[str, float]:
    pool, labels, sets = Seeds(origins), origins.data.labels, origins.sets

    def of(logits: Tensor) -> np.ndarray:
        return margins(logits[pool.rows], labels[pool.rows])

    oracles = np.stack([of(origins.outputs(oracle)["logits"]) for oracle in origins.oracles()])
    _, found = pool.converged(unlearned)
    if lost := pool.count - len(found):
        log.warning("KLOM: %d of %d %s diverged, and are left out", lost, pool.count, pool.name)
    values = klom(found, oracles)
    parts = {"forget": sets.forget, "retain": sets.unforgotten, "val": sets.val}
    return klom_metrics(values, {part: np.searchsorted(pool.rows, rows) for part, rows in parts.items()})
