"""What a model in another form answers."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from unlearn_cli.evaluation.accuracy import accuracy
from unlearn_cli.evaluation.hidden.base import Found, Subject
from unlearn_cli.tasks.verbs.base import Predicts

KEYS = ("UA", "RA", "TA", "TA_forget")


def weights(model: nn.Module) -> list[nn.Parameter]:
    """What is rounded or pruned: the parameters of two or more dimensions, so no biases and no norms."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1]


def compressed(subject: Subject, copies: Iterable[tuple[str, nn.Module]]) -> Found:
    """`UA_<form>`, RA, TA and, where something is wholly forgotten, TA_forget of the model in each form."""
    origins, metrics = subject.origins, dict[str, float]()
    data, sets = origins.data, origins.sets
    rows = np.sort(np.concatenate([sets.forget, sets.retain, sets.val, sets.all_test]))
    task: Predicts = origins.experiment.task
    for form, model in copies:
        logits = torch.full_like(subject.logits, float("nan"))
        logits[torch.from_numpy(rows)] = task.predict(model, origins.trainer(subject.folder), rows)
        found = accuracy(logits, data.labels, sets)
        metrics |= {f"{key}_{form}": found[key] for key in KEYS if key in found}
    return Found(metrics, {})
