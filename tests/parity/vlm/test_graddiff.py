"""GradDiff: −λ_f·ℓ on the forget set and λ_r·ℓ on the retain set (Liu et al., CoLLAs 2022)."""

import pytest

from parity.vlm.answers import halves, log_p, mean, trains_as
from unlearn_cli.methods.vlm.graddiff import GradientDifference

FORGET, RETAIN = 0.37, 1.9


@pytest.mark.parametrize("order", ["joint", "alternate"])
def test_steps(tiny, order):
    """joint: half of each step is of either set; alternate: an epoch has steps of one, then of the other."""
    kinds = []

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        kinds.append((len(gone), len(kept)))
        value = 0
        if gone:
            value = value - FORGET * mean(-log_p(tiny, model, row).mean() for row in gone)
        if kept:
            value = value + RETAIN * mean(-log_p(tiny, model, row).mean() for row in kept)
        return value

    settings = {"forget_weight": FORGET, "retain_weight": RETAIN, "order": order}
    trains_as(tiny, GradientDifference, settings, loss, max_steps=3 if order == "joint" else 5)
    if order == "joint":
        assert all(gone == kept for gone, kept in kinds)
    else:
        assert [bool(gone) for gone, _ in kinds] == [True] * 2 + [False] * 3
        assert all(not (gone and kept) for gone, kept in kinds)
