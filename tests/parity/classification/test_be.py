"""BE (Chen et al., CVPR 2023): one output more, whose label all forget samples get; then it is cut off."""

import torch

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.classification.be import BoundaryExpanding


def test_the_shadow_class(small):
    found = small.unlearned(BoundaryExpanding(**RECIPE | {"batch_size": 2}))
    start = small.model()
    small.trainer.seeded("extra neuron")
    start.widen_head(1)

    def loss(model, rows, number):
        return small.losses(model, rows, torch.full((len(rows),), 3)).mean()

    expected = trained(start, small.steps, loss)
    expected.narrow_head(3)
    assert_same(found, expected)
