"""How far the weights have moved from the original's, and whether the straight way between them is level.

Both foretell how well forgetting withstands relearning (arXiv:2505.22310): a model near to the original, with
no barrier on the way, has hidden what it knew. Linear mode connectivity as in Frankle et al., ICML 2020.
"""

from __future__ import annotations

import copy
import logging
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import nn
from torch.optim.swa_utils import update_bn

from unlearn_cli.data.rows import spread
from unlearn_cli.evaluation.hidden.base import Found, Inspection, Subject
from unlearn_cli.tasks.verbs.base import Glances
from unlearn_cli.training.lone_values import by_running_statistics

if TYPE_CHECKING:
    from unlearn_cli.training.trainer import Trainer

log = logging.getLogger("unlearn")


class Distance(Inspection):
    """‖θ − θ_o‖ / ‖θ_o‖ over all parameters, and the barrier on the way θ_o + α(θ − θ_o).

    The barrier is max over α of (1 − α)·TA(θ_o) + α·TA(θ) − TA(θ_α), in points of TA and never below 0.
    At every α, the ends too, running statistics of batch norms are counted anew on retained samples: those
    between two models are the statistics of neither (Garipov et al. and Izmailov et al., 2018), and would
    make barriers of their own. Left out where the method has added or taken parameters.
    """

    name: ClassVar[str] = "distance"

    points: int = Field(ge=3, le=101, description="α on the way, both ends among them, evenly spread")
    rows: int = Field(gt=0, description="retained samples at most that running statistics are counted on")

    def inspect(self, subject: Subject) -> Found:
        original = subject.references()["original"]
        if _shapes(original) != _shapes(subject.model):
            log.info(
                "eval.hidden: distance is left out: the model's parameters are not those of the original"
            )
            return Found({}, {})
        path = self._path(subject, original)
        alphas, accuracies = np.array(path["alpha"]), np.array(path["TA"])
        level = (1 - alphas) * accuracies[0] + alphas * accuracies[-1]
        metrics = {
            "L2_original": relative_distance(subject.model, original),
            "barrier": float((level - accuracies).max()),
        }
        return Found(metrics, path)

    def _path(self, subject: Subject, original: nn.Module) -> dict[str, list[float]]:
        """Accuracy in percent on test and forget samples at each α."""
        origins, trainer = subject.origins, subject.origins.trainer(subject.folder)
        sets, task = origins.sets, origins.experiment.task
        path: dict[str, list[float]] = {"alpha": [], "TA": [], "forget": []}
        for alpha in np.linspace(0, 1, self.points).tolist():
            model = interpolated(original, subject.model, alpha)
            count_statistics(model, trainer, spread(sets.retain, self.rows))
            path["alpha"].append(alpha)
            path["TA"].append(_accuracy(task, model, trainer, sets.test))
            path["forget"].append(_accuracy(task, model, trainer, sets.forget))
        return path


def relative_distance(model: nn.Module, original: nn.Module) -> float:
    """‖θ − θ_o‖₂ / ‖θ_o‖₂ of two models of the same parameters."""
    own, other = (
        torch.cat([parameter.detach().double().flatten().cpu() for parameter in one.parameters()])
        for one in (model, original)
    )
    return float((own - other).norm() / other.norm())


@torch.no_grad()
def interpolated(start: nn.Module, end: nn.Module, alpha: float) -> nn.Module:
    """A copy of `end` whose parameters are (1 − α)·start + α·end."""
    found = copy.deepcopy(end)
    for parameter, first in zip(found.parameters(), start.parameters(), strict=True):
        parameter.lerp_(first, 1 - alpha)
    return found


def count_statistics(model: nn.Module, trainer: Trainer, rows: np.ndarray) -> None:
    """Running mean and variance of batch norms, as the average over batches of these rows."""
    trainer.seeded("running statistics")  # dropout draws
    with by_running_statistics(model):
        update_bn((batch.x for batch in trainer.batches(rows)), model)
    model.eval()


def _accuracy(task: Glances, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> float:
    return task.glance(model, trainer, rows)["acc"]


def _shapes(model: nn.Module) -> dict[str, Any]:
    return {name: parameter.shape for name, parameter in model.named_parameters()}
