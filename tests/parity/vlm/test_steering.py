"""Dense steering: the difference of means, and LEACE (Belrose et al., NeurIPS 2023) as its package has it."""

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


@pytest.mark.parametrize("direction", ["difference", "leace"])
def test_what_is_taken_out(tiny, direction):
    on, off = (patches(tiny, tiny.model(), images).flatten(0, 1).double() for images in seen_images(tiny))
    if direction == "difference":
        m, u = off.mean(0), on.mean(0) - off.mean(0)
        matrix = torch.outer(u, u) / (u @ u)
    else:
        m, matrix = erased(on, off)
    method = checked(DenseSteering, JUDGED | {"direction": direction, "alpha": [ALPHA]}, "method")
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert_edited(tiny, found, lambda x: -ALPHA * ((x.double() - m) @ matrix.T).float())
