"""Interrupted at any step a phase comes to the very same weights; what ends it keeps the last checkpoint."""

import signal

import numpy as np
import pytest
import torch
from small_training import assert_equal, cross_entropy, killed_after, second_epoch, small_model, state

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.errors import Preempted, RunError
from unlearn_cli.runtime.stopping import stop_signals


def whole_and_resumed(trainer, plan, step):
    """Two trainers, one of them killed after that step, with a checkpoint after every one; all is equal."""
    whole = trainer("whole")
    expected = state(whole.fit(small_model(), shuffled(np.arange(30)), cross_entropy, plan))

    with pytest.raises(KeyboardInterrupt):
        trainer("killed", checkpoint_minutes=0).fit(
            small_model(), shuffled(np.arange(30)), killed_after(step), plan
        )
    resumed = trainer("killed")
    assert_equal(expected, state(resumed.fit(small_model(), shuffled(np.arange(30)), cross_entropy, plan)))
    assert resumed.history == whole.history
    return whole, resumed


@pytest.mark.parametrize("schedule", ["constant", "cosine", "multistep", "onecycle"])
@pytest.mark.parametrize("step", [1, 4, 7, 8])
def test_resume_is_bit_identical(trainer, recipe, schedule, step):
    """Killed after any step (within an epoch, at its end), with a checkpoint after every one."""
    plan = recipe(epochs=3, schedule=schedule, milestones=[1], ema=0.9, clip_norm=1.0)
    whole, resumed = whole_and_resumed(trainer, plan, step)
    assert resumed.cost.samples == whole.cost.samples == 90


def test_a_finished_phase_is_not_trained_again(trainer, recipe):
    expected = state(trainer().fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe()))

    def never(model, batch):
        raise AssertionError("trained again")

    assert_equal(expected, state(trainer().fit(small_model(), shuffled(np.arange(30)), never, recipe())))


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_limited_phase_resumes_within_the_warm_up_of_its_average(trainer, recipe, step):
    """The decay (1+t)/(10+t) goes on from the step's t; the schedule, to the limit."""
    plan = recipe(epochs=9, max_steps=6, schedule="onecycle", ema=0.9999, optimizer="adam")
    whole_and_resumed(trainer, plan, step)


def test_until_is_asked_again_after_a_resumption(trainer, recipe):
    """A phase that it ended is not continued; one that was killed goes on to the same end."""
    options = {"feed": shuffled(np.arange(30)), "recipe": recipe(epochs=5), "until": second_epoch}
    whole = trainer("whole")
    expected = state(whole.fit(small_model(), objective=cross_entropy, **options))

    ended = trainer("whole")
    assert_equal(expected, state(ended.fit(small_model(), objective=killed_after(0), **options)))
    assert ended.history == whole.history
    assert ended.cost.steps == 8

    for step in (3, 4, 7):
        with pytest.raises(KeyboardInterrupt):
            trainer(f"killed-{step}", checkpoint_minutes=0).fit(
                small_model(), objective=killed_after(step), **options
            )
        resumed = trainer(f"killed-{step}")
        assert_equal(expected, state(resumed.fit(small_model(), objective=cross_entropy, **options)))
        assert resumed.history == whole.history


def test_stop_signal_writes_a_checkpoint_and_resumes(trainer, recipe):
    expected = state(trainer("whole").fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe()))
    seen = 0

    def terminated(model, batch):
        nonlocal seen
        seen += 1
        if seen == 3:
            signal.raise_signal(signal.SIGTERM)
        return cross_entropy(model, batch)

    with stop_signals(), pytest.raises(Preempted, match="SIGTERM"):
        trainer().fit(small_model(), shuffled(np.arange(30)), terminated, recipe())
    resumed = trainer()
    assert_equal(
        expected, state(resumed.fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe()))
    )


def test_stop_signal_while_it_measures_loses_no_step(trainer, recipe):
    """Between two epochs `fit` waits for its next step, where it can write a checkpoint."""
    t = trainer()

    def monitor(model, epoch):
        signal.raise_signal(signal.SIGTERM)
        return {"rows": len(list(t.batches(np.arange(30), batch_size=8)))}

    t.monitor = monitor
    with stop_signals(), pytest.raises(Preempted, match="after step 4"):
        t.fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe())
    kept = torch.load(t.folder / "unlearn.resume.pt", weights_only=True)
    assert kept["step"] == 4
    assert [row["rows"] for row in kept["history"]] == [4]


def test_stop_signal_ends_a_pass_without_training(trainer):
    with stop_signals():
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Preempted, match="between two batches"):
            list(trainer().batches(np.arange(30)))


def test_scheduler_handler_is_called_on_a_signal(trainer, recipe):
    """submitit installs its own handler first; it must get the signal, once the checkpoint is there."""
    calls = []
    before = signal.signal(signal.SIGUSR2, lambda number, frame: calls.append(number))
    try:
        with stop_signals():
            signal.raise_signal(signal.SIGUSR2)
            with pytest.raises(Preempted):
                trainer().fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe())
        assert calls == [signal.SIGUSR2]
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_a_loss_that_is_always_nothing_fails(trainer, recipe):
    """The method has found nothing to do: its numbers would be those of the original model."""

    def objective(model, batch):
        return {"loss": 0 * cross_entropy(model, batch)["loss"]}

    with pytest.raises(
        RunError, match=r"^the loss of 'unlearn' was 0 at every step: the method found nothing"
    ):
        trainer().fit(small_model(), shuffled(np.arange(30)), objective, recipe())


def test_nan_loss_stops_and_says_where_and_keeps_the_last_good_checkpoint(trainer, recipe):
    seen = 0

    def breaks(model, batch):
        nonlocal seen
        seen += 1
        return {"loss": cross_entropy(model, batch)["loss"] * (float("nan") if seen == 3 else 1)}

    t = trainer(checkpoint_minutes=0)
    with pytest.raises(
        RunError, match=r"'unlearn' is not finite at step 2 \(epoch 1\).*last good checkpoint"
    ):
        t.fit(small_model(), shuffled(np.arange(30)), breaks, recipe())
    kept = torch.load(t.folder / "unlearn.resume.pt", weights_only=True)
    assert kept["step"] == 2
    assert all(value.isfinite().all() for value in kept["model"].values())
