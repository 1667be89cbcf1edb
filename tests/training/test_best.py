"""The best epoch's weights are the result, a phase ends once it is enough; after a kill to the same bits."""

import numpy as np
import pytest
import torch
from small_training import assert_equal, cross_entropy, killed_after, small_model, state

from unlearn_cli.data.feeds import shuffled

FEED = shuffled(np.arange(30))
SCORES = [3.0, 1.0, 2.0, 1.0]
"""By epoch: the second is the best, and the fourth no better."""


def by_score(row):
    return [row["score"]]


def scored(trainer):
    """The trainer, and every epoch's weights as they are shown."""
    seen = []

    def monitor(model, epoch):
        seen.append(state(model))
        return {"score": SCORES[epoch - 1]}

    trainer.monitor, trainer.rank = monitor, by_score
    return trainer, seen


@pytest.mark.parametrize("ema", [None, 0.8])
def test_the_model_ends_with_the_first_of_the_best_epochs(trainer, recipe, ema):
    one, seen = scored(trainer())
    model = one.fit(small_model(), FEED, cross_entropy, recipe(epochs=4, ema=ema))
    assert_equal(state(model), seen[1])
    assert all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize(("step", "ema"), [(3, 0.8), (8, None), (9, 0.8), (15, None)])
def test_a_killed_phase_comes_to_the_same_epoch(trainer, recipe, step, ema):
    plan = recipe(epochs=4, ema=ema, schedule="cosine")
    whole, _ = scored(trainer("whole"))
    expected = state(whole.fit(small_model(), FEED, cross_entropy, plan))
    killed, _ = scored(trainer("killed", checkpoint_minutes=0))
    with pytest.raises(KeyboardInterrupt):
        killed.fit(small_model(), FEED, killed_after(step), plan)
    resumed, _ = scored(trainer("killed"))
    assert_equal(expected, state(resumed.fit(small_model(), FEED, cross_entropy, plan)))
    assert resumed.history == whole.history


def test_a_finished_phase_still_has_its_best_epoch(trainer, recipe):
    one, seen = scored(trainer())
    one.fit(small_model(), FEED, cross_entropy, recipe(epochs=4))
    again, _ = scored(trainer())
    assert_equal(state(again.fit(small_model(), FEED, killed_after(0), recipe(epochs=4))), seen[1])


def test_what_rests_is_not_kept_twice(trainer, recipe):
    one, _ = scored(trainer())
    one.fit(small_model(), FEED, cross_entropy, recipe(epochs=4, parameters="4"))
    kept = torch.load(one.folder / "unlearn.resume.pt", weights_only=True)["best"]
    assert kept["epoch"] == 2
    assert not [name for name in kept["tensors"] if name in ("0.weight", "1.weight")]
    assert {"4.weight", "1.running_mean"} <= kept["tensors"].keys()


def test_it_ends_once_it_is_enough(trainer, recipe):
    one, seen = scored(trainer())
    one.enough = lambda row: row["score"] < 2
    model = one.fit(small_model(), FEED, cross_entropy, recipe(epochs=4))
    assert len(one.history) == len(seen) == 2
    assert_equal(state(model), seen[1])
    assert one.cost.steps == 8


def test_what_is_trained_within_has_no_best_epoch(trainer, tmp_path):
    one, _ = scored(trainer())
    one.enough = lambda row: True
    inside = one.within(tmp_path)
    assert inside.rank is None
    assert not inside.enough({})
