"""A tiny VLM, interventions in it, and what to look at before and after."""

from functools import partial

import numpy as np
import torch
from recipes import PLAIN

from unlearn_cli.data.splits import divide, split
from unlearn_cli.experiment import checked
from unlearn_cli.forget.answer import Answer
from unlearn_cli.methods.vlm.dense_steering import DenseSteering
from unlearn_cli.methods.vlm.random_features import RandomFeatures
from unlearn_cli.methods.vlm.sauce import Sauce
from unlearn_cli.sae.attachment import Attachment, hook_of

DICTIONARY = {"expansion": 2, "activation": "batchtopk", "k": 4, "l1": 0.0, "dead_after": 1000}
JUDGED = {"layers": [None], "examples": 4, "negatives": 4, "reads": 2, "validated": 4, "tokens": 4}
SPARSE = PLAIN | {
    **JUDGED,
    "lr": 1e-3,
    "batch_size": 16,
    "optimizer": "adam",
    "pretrained": None,
    "dictionary": DICTIONARY,
    "train_tokens": 4,
    "buffer": 64,
    "score": "auroc",
    "pool": "tokens",
    "k": [2],
    "gamma": [-1.0],
    "mode": "scale",
}
LAYER = "model.vision_tower.encoder.layers.1"  # of three, the last of which is not read
LAST, PROJECTOR = "model.vision_tower.encoder.layers.2", "model.multi_modal_projector"
WIDE = "model.vision_tower.encoder.layers.1.mlp.fc1"


def sauce(kind=Sauce, **changes):
    return checked(kind, SPARSE | changes, "method")


def steering(direction="difference", **changes):
    values = JUDGED | {"direction": direction, "alpha": [1.0]}
    return checked(DenseSteering, values | changes, "method")


METHODS = {
    "sauce": sauce,
    "clamped": partial(sauce, mode="clamp"),
    "topk": partial(sauce, dictionary=DICTIONARY | {"activation": "topk"}),
    "random_features": partial(sauce, RandomFeatures),
    "mean_difference": steering,
    "leace": partial(steering, "leace"),
}


def sets_of(tiny, *concepts):
    splits = split(tiny.data, 1 / 3, seed=0)
    return divide(splits, Answer(concept=list(concepts)).select(tiny.data, splits), tiny.data)


def trials(method, tiny, model, layer=LAYER):
    """All settings with their modules."""
    (concept,) = tiny.sets.concepts
    return [*method.trials(tiny.task, model, concept, layer, tiny.sets, tiny.trainer)]


def patches(tiny, model, images, layer=LAYER):
    """(n, T, d) of these images."""
    with torch.no_grad():
        return model.activations(layer, tiny.batch(3 * np.array(images)).x)


def logits(tiny, model, rows=(0, 1, 8)):
    with torch.no_grad():
        return tiny.task.first_logits(model, tiny.batch(np.array(rows)))


def detach_all(model):
    for name, layer in list(model.net.named_modules()):
        if hook := hook_of(layer):
            for place in list(hook.rules):
                Attachment(name, layer, place).remove()


def seen_images(tiny):
    """Training images of red, and of others."""
    train = tiny.asking("colour", np.sort(np.concatenate([tiny.sets.forget, tiny.sets.retain])))
    red = tiny.data.columns["answer"][train] == "red"
    return train[red] // 3, train[~red] // 3
