"""FF as `fisher` of the released code: N(0, min((α/F)^½, σ_max)²) by the empirical Fisher's diagonal."""

import numpy as np
import pytest
import torch

from parity.classification.small import assert_same
from unlearn_cli.methods.classification.ff import FisherForgetting


def expected(small, rows):
    model = small.model()
    fisher = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for row in rows:
        parts = torch.autograd.grad(small.losses(model, [row]).sum(), [*model.parameters()])
        for total, part in zip(fisher.values(), parts, strict=True):
            total += part**2 / len(rows)
    std = torch.cat([(3e-4 / total).sqrt().clamp(max=0.17).flatten() for total in fisher.values()])
    assert (std == 0.17).any()
    assert (std < 0.17).any()
    small.trainer.seeded("noise")
    noise = std * torch.randn(len(std))
    with torch.no_grad():
        for p, part in zip(
            model.parameters(), noise.split([p.numel() for p in model.parameters()]), strict=True
        ):
            p += part.view_as(p)
    return model


@pytest.mark.parametrize(("samples", "drawn"), [(None, 8), (7, 7), (9, 8)])
def test_the_noise(small, samples, drawn):
    found = small.unlearned(FisherForgetting(alpha=3e-4, max_std=0.17, samples=samples, batch_size=3))
    rows = np.concatenate(small.steps)
    assert len(rows) == drawn == len({*rows} & {*small.retain})
    assert_same(found, expected(small, rows))
