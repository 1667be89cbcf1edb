"""EU-k (Goel et al., 2022): the last k layers from a fresh start; and the WorstCase release's EU."""

import torch

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.classification.eu_k import EUk, reset_as_released


def retain_loss(small):
    return lambda model, rows, number: small.losses(model, rows).mean()


def test_one_fresh_start(small):
    found = small.unlearned(EUk(**RECIPE, k=1, reinit="once"))
    start = small.model()
    small.trainer.seeded("reinit", 0)
    start.head.reset_parameters()
    assert_same(found, trained(start, small.steps, retain_loss(small), names=lambda name: "head" in name))


def test_the_release_starts_afresh_in_every_epoch(small):
    """From N(0, 1) and a bias of 0, with a new optimiser; of the epochs before only batch norm knows."""
    found = small.unlearned(EUk(**RECIPE, k=1, reinit="every_epoch"))
    model = small.model()
    for epoch, steps in enumerate((small.steps[:2], small.steps[2:])):
        small.trainer.seeded("reinit", epoch)
        with torch.no_grad():
            model.head.weight.copy_(torch.randn(model.head.weight.shape))
            model.head.bias.zero_()
        model = trained(model, steps, retain_loss(small), names=lambda name: "head" in name)
    assert_same(found, model)


def test_the_releases_convolutions_and_norms():
    torch.manual_seed(0)
    convolution, norm = torch.nn.Conv2d(300, 500, 3), torch.nn.BatchNorm2d(5)
    norm.weight.data.fill_(0.3)
    reset_as_released(convolution)
    reset_as_released(norm)
    bound = (6 / ((300 + 500) * 9)) ** 0.5  # Xavier's, uniform
    assert abs(float(convolution.weight.detach().abs().max()) / bound - 1) < 1e-4
    assert not convolution.bias.any()
    assert (norm.weight == 0.3).all()
