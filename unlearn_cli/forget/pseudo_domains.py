"""Domains that nobody has named: by clusters of the original model's image embeddings, or by its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from torch import Tensor

from unlearn_cli.errors import InputError
from unlearn_cli.methods.original import Original
from unlearn_cli.models.capabilities import EmbedsImagesAndTexts

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


def pseudo_domains(
    origins: Origins,
    column: str,
    visible: np.ndarray,
    dropped: np.ndarray,
    guess: Literal["clusters", "texts"],
    seed: int,
) -> np.ndarray:
    """The guessed domain numbers of the rows `dropped`, a part of the rows `visible`; both sorted.

    clusters: k-means of the visible rows with a cluster for each domain; a cluster is the domain of most of
    its rows that are known. texts: the nearest of "a DOMAIN of a CLASS", averaged over the classes.

    Raises:
        InputError: a model without image embeddings.
    """
    data = origins.data
    model = origins.get(Original()).model
    if not isinstance(model, EmbedsImagesAndTexts):
        raise InputError("forget.drop: guessing domains takes a CLIP (task=clip); set forget.drop=0")
    names, true = np.unique(data.columns[column].astype(str), return_inverse=True)
    model.eval()
    images = _embedded(origins, model, visible)
    away = np.isin(visible, dropped)
    if guess == "texts":
        spelt = [f"a {name.replace('_', ' ')} of a {{}}" for name in names]
        with torch.no_grad():
            texts = [
                model.text_features([model.prompt(c, text) for c in data.classes]).mean(0) for text in spelt
            ]
            return (images @ F.normalize(torch.stack(texts).cpu(), dim=-1).T).argmax(1).numpy()[away]
    clusters = KMeans(len(names), n_init=10, random_state=seed).fit_predict(images.numpy())
    votes = np.zeros((len(names), len(names)))
    np.add.at(votes, (clusters[~away], true[visible[~away]]), 1)
    return votes.argmax(1)[clusters][away]


@torch.no_grad()
def _embedded(origins: Origins, model: EmbedsImagesAndTexts, rows: np.ndarray) -> Tensor:
    """(n, E), normalised, on the CPU."""
    batches = origins.trainer(origins.store.root).batches(rows)
    return torch.cat([model.image_features(batch.x).cpu() for batch in batches])
