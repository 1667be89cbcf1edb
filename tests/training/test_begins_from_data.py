"""What a model takes from the data before its first step is of the rows that it learns, and of no other."""

import numpy as np
import pytest
import torch
from small_training import assert_equal, killed_after, state
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.methods.original import Original
from unlearn_cli.models.classifiers.airbench import AirbenchSettings
from unlearn_cli.tasks.classification import Classification

SPEC = ImageSpec(["a", "b", "c"], 1, (4, 4), (0.5,), (0.25,))


def small_airbench():
    torch.manual_seed(0)
    return AirbenchSettings(widths=[10], norm_momentum=0.4, scale=0.1).build(SPEC)


def test_it_begins_from_the_rows_that_it_learns_alone(trainer, toy, recipe):
    """Another picture in a forgotten row changes nothing of the oracle, from its stem on."""
    toy.augment = toy.augment.model_copy(update={"flip": "alternating"})
    plan, rows = recipe(lookahead=0.9, nesterov=True, bias_lr_factor=4.0), np.arange(5, 30)

    def trained(name):
        return state(Original().train(Classification(), small_airbench(), rows, trainer(name), plan))

    before = trained("before")
    assert not torch.equal(before["net.stem.directions"], small_airbench().net.stem.directions)
    toy.tensor[:5] = 0
    assert_equal(before, trained("after"))
    toy.tensor[5] = 0
    assert not torch.equal(trained("other")["net.stem.directions"], before["net.stem.directions"])


@pytest.mark.parametrize("step", [1, 6])
def test_a_killed_training_goes_on_from_its_own_stem(trainer, recipe, step):
    plan = recipe(lookahead=0.9, epochs=3)

    class Killed(Classification):
        def loss(self, model, batch):
            killed(nn.Flatten(), batch)
            return super().loss(model, batch)

    def trained(task, name, **options):
        return state(Original().train(task, small_airbench(), np.arange(30), trainer(name, **options), plan))

    expected = trained(Classification(), "whole")
    killed = killed_after(step)
    with pytest.raises(KeyboardInterrupt):
        trained(Killed(), "killed", checkpoint_minutes=0)
    assert_equal(expected, trained(Classification(), "killed"))
