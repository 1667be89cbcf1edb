import numpy as np
import pytest
import torch
from small_training import cross_entropy, small_model, state

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.training.mask import Mask


@pytest.mark.parametrize("changes", [{"weight_decay": 0.1}, {"ema": 0.9}])
def test_hard_mask_keeps_masked_weights_bit_identical(trainer, recipe, changes):
    """Also against weight decay and in averaged weights."""
    model = small_model()
    before = state(model)
    free = {name: torch.rand_like(p) < 0.5 for name, p in model.named_parameters()}
    t = trainer()
    t.mask = Mask(free, "hard")
    t.fit(model, shuffled(np.arange(30)), cross_entropy, recipe(**changes))
    for name, p in model.named_parameters():
        assert torch.equal(p[~free[name]], before[name][~free[name]])
        assert (p[free[name]] != before[name][free[name]]).any()


def test_grad_only_mask_lets_weight_decay_move_masked_weights(trainer, recipe):
    """The published era: with lr η and decay λ a masked weight shrinks by (1 - ηλ) a step."""
    model = small_model()
    before = model[4].weight.detach().clone()
    t = trainer()
    t.mask = Mask(
        {name: torch.zeros_like(p, dtype=torch.bool) for name, p in model.named_parameters()}, "grad_only"
    )
    t.fit(
        model,
        shuffled(np.arange(30)),
        cross_entropy,
        recipe(epochs=1, batch_size=30, momentum=0, weight_decay=0.1),
    )
    torch.testing.assert_close(model[4].weight.detach(), before * (1 - 0.1 * 0.1))
