"""What is watched of a model while it is trained."""

import numpy as np
from torch import nn

from unlearn_cli.tasks.verbs.base import Glances
from unlearn_cli.training.phase import Monitor
from unlearn_cli.training.trainer import Trainer

MONITORED = 1000  # rows of each set that are looked at after an epoch


def glances(task: Glances, trainer: Trainer, watched: dict[str, np.ndarray]) -> Monitor:
    """The task's quick look at (the first thousand, evenly spaced) rows of each watched set."""

    def measure(model: nn.Module, epoch: int) -> dict[str, float]:
        values: dict[str, float] = {}
        for name, rows in watched.items():
            some = rows[:: max(1, len(rows) // MONITORED)]
            if len(some):
                found = task.glance(model, trainer, some)
                values |= {f"{name}/{quantity}": value for quantity, value in found.items()}
        return values

    return measure
