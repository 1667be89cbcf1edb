"""SalUn: random labels where the mask lets weights move (Fan et al., ICLR 2024)."""

import pytest
import torch

from parity.classification.small import RECIPE, assert_same, trained
from parity.classification.test_rl import losses
from unlearn_cli.methods.salun import SalUn
from unlearn_cli.training.mask import Mask

ALPHA = 0.43


@pytest.mark.parametrize("mode", ["hard", "grad_only"])
def test_only_salient_weights_move(two_classes, mode):
    """hard: the code since February 2026, which puts masked weights back; grad_only: the code before, by
    which weight decay moves them."""
    start = two_classes.model()
    generator = torch.Generator().manual_seed(0)
    free = {name: torch.rand(p.shape, generator=generator) < 0.6 for name, p in start.named_parameters()}
    two_classes.trainer.mask = Mask(free, mode)
    settings = {"alpha": ALPHA, "exclude_true": True, "order": "paired"}
    found = two_classes.unlearned(SalUn(**RECIPE, **settings))

    def loss(model, rows, number):
        each, forget = losses(two_classes, model, rows), two_classes.in_forget(rows)
        value = each[forget].mean() + ALPHA * each[~forget].mean()
        for name, p in model.named_parameters():  # the gradient of what is masked is 0
            value = value - (p * (~free[name] * gradient_at(value, p))).sum()
        return value

    def restore(model, number):
        if mode == "hard":
            for name, p in model.named_parameters():
                p.copy_(torch.where(free[name], p, start.get_parameter(name)))

    assert_same(found, trained(start, two_classes.steps, loss, restore))


def gradient_at(value, p):
    return torch.autograd.grad(value, p, retain_graph=True)[0]
