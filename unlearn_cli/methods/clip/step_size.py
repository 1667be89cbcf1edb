"""How far a model may go along a direction in weight space before it recognises too little."""

import logging
from collections.abc import Iterable

from torch import Tensor, nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.edited import write
from unlearn_cli.tasks.verbs.base import Glances
from unlearn_cli.training.trainer import Trainer

log = logging.getLogger("unlearn")

TOLERANCE = 1e-6  # in percent: accuracies are quotients


def weights(model: nn.Module, names: Iterable[str]) -> dict[str, Tensor]:
    """Copies of the parameters of these names."""
    return {name: model.get_parameter(name).detach().clone() for name in names}


def largest_step(
    task: Glances,
    model: nn.Module,
    sets: Sets,
    trainer: Trainer,
    start: dict[str, Tensor],
    direction: dict[str, Tensor],
    steps: Iterable[float],
    keep: float,
) -> float:
    """Put start + s·direction into the model, s the largest of `steps` that keeps its accuracy, and give s.

    Kept is it where the accuracy on the retain set is at least `keep` times that at `start`, the original
    weights. Where no step keeps it, s is 0 and the model the original.
    """

    def accuracy(step: float) -> float:
        write(model, {name: start[name] + step * direction[name] for name in start}, None)
        trainer.count_passes(len(sets.retain), 0)
        return task.glance(model, trainer, sets.retain)["acc"]

    least = keep * accuracy(0.0) - TOLERANCE
    for step in sorted(set(steps), reverse=True):
        if (found := accuracy(step)) >= least:
            log.info("retain accuracy: %.1f %% at step %g, %.1f %% are asked for", found, step, least)
            return step
    accuracy(0.0)
    log.info("retain accuracy: no step keeps %.1f %%; the model stays as it was", least)
    return 0.0
