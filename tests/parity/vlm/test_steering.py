"""Dense steering: the difference of means, and LEACE (Belrose et al., NeurIPS 2023) as its package has it."""

import numpy as np
import pytest
import torch

from parity.vlm.edits import JUDGED, assert_edited, patches, seen_images
from unlearn_cli.experiment import checked
from unlearn_cli.methods.vlm.dense_steering import DenseSteering

ALPHA = 1.7


def erased(on, off):
    """m and A with x − α·A (x − m), A = W⁺ P W: P onto W Σ_xz, W = Σ_xx^(−1/2), Σ_xx shrunk as by Bodnar et
    al., 2014. (The package bends A, too, where that would make the variance larger; not so here.)"""
    x = torch.cat([on, off])
    z = torch.cat([torch.ones(len(on)), torch.zeros(len(off))]).double()
    centred, label = x - x.mean(0), z - z.mean()
    covariance = centred.T @ centred / (len(x) - 1)
    round_one = torch.eye(16).double() * covariance.trace() / 16
    norm, round_norm, both = (
        (a * b).sum() for a, b in ((covariance, covariance), (round_one,) * 2, (covariance, round_one))
    )
    kept = 1 - covariance.trace() ** 2 * round_norm / len(x) / (norm * round_norm - both**2)
    sigma = kept * covariance + (1 - kept) * both / round_norm * round_one
    values, vectors = torch.linalg.eigh(sigma)
    keep = values > 1e-9 * values.max()
    half = vectors[:, keep] * values[keep].sqrt()
    whiten, back = (vectors[:, keep] / values[keep].sqrt()) @ vectors[:, keep].T, half @ vectors[:, keep].T
    u = whiten @ (centred.T @ label)
    u = u / u.norm()
    matrix = back @ torch.outer(u, u) @ whiten
    left = torch.eye(16).double() - matrix
    assert (left @ sigma @ left.T).trace() < sigma.trace()
    return x.mean(0), matrix


@pytest.mark.parametrize(("direction", "examples", "negatives"), [("difference", 1, 3), ("leace", 99, 99)])
def test_what_is_taken_out(tiny, direction, examples, negatives):
    """Of so many images of the concept and of others, evenly spread over the training images."""
    on, off = (
        patches(
            tiny,
            tiny.model(),
            images[np.linspace(0, len(images) - 1, min(number, len(images))).round().astype(int)],
        )
        .flatten(0, 1)
        .double()
        for images, number in zip(seen_images(tiny), (examples, negatives), strict=True)
    )
    if direction == "difference":
        m, u = off.mean(0), on.mean(0) - off.mean(0)
        matrix = torch.outer(u, u) / (u @ u)
    else:
        m, matrix = erased(on, off)
    values = JUDGED | {"examples": examples, "negatives": negatives, "direction": direction}
    method = checked(DenseSteering, values | {"alpha": [ALPHA]}, "method")
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert_edited(tiny, found, lambda x: -ALPHA * ((x.double() - m) @ matrix.T).float())
