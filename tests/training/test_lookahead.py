"""Look-ahead by hand, and after a resumption."""

import numpy as np
import pytest
import torch
from small_training import assert_equal, cross_entropy, killed_after, small_model, state
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.training.lookahead import Lookahead


def test_weights_meet_their_slow_copy_every_fifth_step():
    """Weights climb by 1 a step; after five of twelve steps the two meet, after ten, and at the end."""
    model, slow, fast = nn.BatchNorm1d(1), 0.0, 0.0
    nn.init.zeros_(model.weight)
    lookahead = Lookahead(model, 0.9, steps=12)
    for done in range(1, 13):
        with torch.no_grad():
            model.weight += 1
        model.running_mean += 1
        fast += 1
        lookahead.step(done)
        if done % 5 == 0:
            kept = 0.9**5 * (done / 12) ** 3
            fast = slow = kept * slow + (1 - kept) * fast
        if done == 12:
            fast = slow
        assert model.weight.item() == pytest.approx(fast)
        assert model.running_mean.item() == pytest.approx(fast), "statistics go along"


@pytest.mark.parametrize("step", [1, 4, 5, 7, 11])
def test_resume_is_bit_identical_with_everything_that_a_fast_recipe_has(trainer, recipe, toy, step):
    toy.augment = toy.augment.model_copy(update={"flip": "alternating", "crop_fill": "reflect"})
    plan = recipe(
        epochs=3,
        schedule="triangle",
        lookahead=0.95,
        nesterov=True,
        bias_lr_factor=8.0,
        label_smoothing=0.2,
    )

    def fitted(name, objective=cross_entropy, **options):
        return trainer(name, **options).fit(small_model(), shuffled(np.arange(30)), objective, plan)

    expected = state(fitted("whole"))
    with pytest.raises(KeyboardInterrupt):
        fitted("killed", killed_after(step), checkpoint_minutes=0)
    assert_equal(expected, state(fitted("killed")))


def test_flips_alternate_and_labels_are_smoothed_while_a_model_trains(trainer, recipe, toy):
    toy.augment = toy.augment.model_copy(update={"flip": "alternating", "crop_padding": 0})
    seen = {}

    def objective(model, batch):
        assert batch.smoothing == 0.2
        for row, image in zip(batch.index.tolist(), batch.x, strict=True):
            seen.setdefault(row, []).append(image)
        return cross_entropy(model, batch)

    t = trainer()
    t.fit(small_model(), shuffled(np.arange(30)), objective, recipe(epochs=3, label_smoothing=0.2))
    assert all(torch.equal(first, second.flip(-1)) for first, second, _ in seen.values())
    assert all(torch.equal(first, third) for first, _, third in seen.values())
    assert next(t.batches(np.arange(30))).smoothing == 0
