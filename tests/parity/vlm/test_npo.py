"""NPO: (2/β)·log(1 + (p/p_o)^β) of whole answers (Zhang et al., COLM 2024, Eq. 3), with what keeps."""

import pytest
import torch

from parity.vlm.answers import apart, halves, log_p, mean, trains_as
from unlearn_cli.methods.vlm.npo import NPO

BETA, RETAIN = 0.43, 1.7


@pytest.mark.parametrize("kind", ["none", "nll", "kl"])
def test_steps(tiny, kind):
    original = tiny.model()

    def ratio(model, row):
        with torch.no_grad():
            before = log_p(tiny, original, row).sum()
        return (log_p(tiny, model, row).sum() - before).exp()

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        value = 2 / BETA * mean((1 + ratio(model, row) ** BETA).log() for row in gone)
        if kind == "none":
            assert not kept
        elif kind == "nll":
            value = value + RETAIN * mean(-log_p(tiny, model, row).mean() for row in kept)
        else:
            value = value + RETAIN * mean(apart(tiny, model, original, row) for row in kept)
        return value

    trains_as(tiny, NPO, {"beta": BETA, "retain": kind, "retain_weight": RETAIN}, loss)
