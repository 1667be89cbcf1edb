"""IU: α·F⁻¹(g_f − g_r), exactly, and by `woodfisher` of the released code."""

import numpy as np
import torch

from parity.classification.small import assert_same
from unlearn_cli.methods.classification.iu import InfluenceUnlearning

ALPHA = 1.9
SETTINGS = {"alpha": ALPHA, "samples": 8, "damping": 0.23, "batch_size": 3}


def gradients(small, model, rows):
    """∇ℓ of each row, (n, P)."""
    parts = [torch.autograd.grad(small.losses(model, [row]).sum(), [*model.parameters()]) for row in rows]
    return torch.stack([torch.cat([part.flatten() for part in one]) for one in parts])


def direction(small, model):
    """g_f − g_r with g_f = (1/n)·Σ_{D_f} ∇ℓ and g_r = (|D_f|/(n·|D_r|))·Σ_{D_r} ∇ℓ."""
    forget, retain = (gradients(small, model, rows).sum(0) for rows in (small.forget, small.retain))
    return forget / 12 - retain * 4 / (12 * 8)


def moved(small, step):
    model = small.model()
    with torch.no_grad():
        for p, part in zip(
            model.parameters(), step.split([p.numel() for p in model.parameters()]), strict=True
        ):
            p += part.view_as(p)
    return model


def test_the_exact_inverse(small):
    """Of λI + (1/N)·Σ g gᵀ over N = 7 of the eight retain samples."""
    found = small.unlearned(InfluenceUnlearning(**SETTINGS | {"samples": 7}, inverse="exact"))
    rows = np.concatenate(small.steps[-3:])  # of the last iteration
    assert len({*rows} & {*small.retain}) == len(rows) == 7
    g = gradients(small, small.model(), rows).double()
    fisher = 0.23 * torch.eye(g.shape[1], dtype=torch.double) + g.T @ g / 7
    step = ALPHA * torch.linalg.solve(fisher, direction(small, small.model()).double()).float()
    left, right = (
        torch.cat([p.detach().flatten() for p in m.parameters()]) for m in (found, moved(small, step))
    )
    # conjugate gradients end at a residual of 1e-4 of |v|
    torch.testing.assert_close(left, right, rtol=0, atol=3e-4 * float(step.abs().max()))
    assert small.trainer.cost.forwards == found.passed


def test_the_released_recursion(small):
    """N = 3 (1000 there) over the first N + 2 retain samples, the first of which begins o."""
    found = small.unlearned(InfluenceUnlearning(**SETTINGS | {"samples": 3}, inverse="release"))
    first, *others = gradients(small, small.model(), small.retain[:5])
    k, o = direction(small, small.model()), first.clone()
    for g in others:
        slope = o @ g
        k = k - (k @ g) / (3 + slope) * o
        o = o - slope / (3 + slope) * o
    assert_same(found, moved(small, ALPHA * k))
    assert small.trainer.cost.forwards == found.passed
