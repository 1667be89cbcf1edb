"""FF as `fisher` of the released code: N(0, min((α/F)^½, σ_max)²) by the empirical Fisher's diagonal."""

import torch

from parity.classification.small import assert_same
from unlearn_cli.methods.classification.ff import FisherForgetting


def test_the_noise(small):
    found = small.unlearned(FisherForgetting(alpha=3e-4, max_std=0.17, samples=None, batch_size=3))
    model = small.model()
    fisher = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for row in small.retain:
        parts = torch.autograd.grad(small.losses(model, [row]).sum(), [*model.parameters()])
        for total, part in zip(fisher.values(), parts, strict=True):
            total += part**2 / 8
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
    assert_same(found, model)


def test_a_sample_of_the_retain_set(small):
    """With all of it asked for there is nothing to draw."""
    settings = {"alpha": 3e-4, "max_std": 0.17, "batch_size": 3}
    everything = small.unlearned(FisherForgetting(**settings, samples=None))
    assert_same(small.unlearned(FisherForgetting(**settings, samples=8)), everything)
