"""BS (Chen et al., CVPR 2023) as released: one FGSM step against the original, in whole grey levels."""

import torch

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.classification.bs import BoundaryShrink

BOUND = 0.317


def nearest(small, original, rows):
    """The original's answer to x + ε·sign ∇_x ℓ, clipped to [0, 1] and rounded to n/255."""
    x = small.x(rows).requires_grad_()
    loss = -original(x).log_softmax(1)[torch.arange(len(rows)), small.y(rows)].sum()
    (slope,) = torch.autograd.grad(loss, x)
    moved = ((x + BOUND * slope.sign()).clamp(0, 1) * 255).round() / 255
    return moved.detach(), original(moved).argmax(1)


def test_the_nearest_other_class(small):
    found = small.unlearned(BoundaryShrink(**RECIPE | {"batch_size": 2}, bound=BOUND))
    original = small.model()

    def loss(model, rows, number):
        return small.losses(model, rows, nearest(small, original, rows)[1]).mean()

    assert_same(found, trained(small.model(), small.steps, loss))
    assert small.trainer.cost.forwards == found.passed + original.passed


def test_the_attacked_image(small, monkeypatch):
    """Labels alone would not tell a bound of 0.317 from one of 0.320."""
    shown = small.shown_to_teachers(monkeypatch)
    small.unlearned(BoundaryShrink(**RECIPE | {"batch_size": 2}, bound=BOUND))
    attacked = shown[1::2]  # after the image itself
    for rows, x in zip(small.steps, attacked, strict=True):
        torch.testing.assert_close(x, nearest(small, small.model(), rows)[0], rtol=0, atol=1e-6)
