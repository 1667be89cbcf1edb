"""What a model in another form answers."""

import numpy as np
import torch
from torch import nn

from unlearn_cli.evaluation.accuracy import accuracy
from unlearn_cli.evaluation.hidden.base import Subject
from unlearn_cli.tasks.verbs.base import Predicts

KEYS = ("UA", "RA", "TA", "TA_forget")


def weights(model: nn.Module) -> list[nn.Parameter]:
    """What is rounded or pruned: the parameters of two or more dimensions, so no biases and no norms."""
    return [parameter for parameter in model.parameters() if parameter.ndim > 1]


def compressed_accuracy(subject: Subject, model: nn.Module, form: str) -> dict[str, float]:
    """`UA_<form>`, RA, TA and, where something is wholly forgotten, TA_forget of the model in that form."""
    origins = subject.origins
    data, sets = origins.data, origins.sets
    rows = np.sort(np.concatenate([sets.forget, sets.retain, sets.val, sets.all_test]))
    task: Predicts = origins.experiment.task
    logits = torch.full_like(subject.logits, float("nan"))
    logits[torch.from_numpy(rows)] = task.predict(model, origins.trainer(subject.folder), rows)
    found = accuracy(logits, data.labels, sets)
    return {f"{key}_{form}": found[key] for key in KEYS if key in found}
