import logging
import math
import signal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.errors import Preempted, RunError
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.trainer import Trainer


def small_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 3)
    )


def cross_entropy(model, batch):
    return {"loss": F.cross_entropy(model(batch.x), batch.y)}


@pytest.fixture
def trainer(toy, compute, tmp_path):
    def make(name="a", **options):
        return Trainer(toy, np.zeros(40, bool), compute, 0, tmp_path / name, **options)

    return make


def state(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_equal(left, right):
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name], right[name]), name


def killed_after(step):
    """An objective that ends the process, as it were, in the step after so many."""
    seen = 0

    def objective(model, batch):
        nonlocal seen
        seen += 1
        if seen > step:
            raise KeyboardInterrupt
        return cross_entropy(model, batch)

    return objective


def test_one_step_of_sgd_by_hand(trainer, toy, recipe):
    """One full-batch step without momentum or decay is θ - lr ∇."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    before = model[1].weight.detach().clone()
    augment = toy.augment.model_copy(update={"crop_padding": 0, "flip": False})
    toy.augment = augment
    plain = recipe(epochs=1, batch_size=30, momentum=0.0, weight_decay=0.0, lr=0.5)
    x, y = toy.tensor[:30].float() / 255, torch.from_numpy(toy.labels[:30])
    probabilities = model(x).softmax(1).detach()
    gradient = (probabilities - F.one_hot(y, 3)).T @ x.flatten(1) / 30
    trainer().fit(model, shuffled(np.arange(30)), cross_entropy, plain)
    torch.testing.assert_close(model[1].weight.detach(), before - 0.5 * gradient)


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


def test_max_steps_ends_within_an_epoch_and_the_schedule_there(trainer, recipe):
    """Four steps an epoch, six in all; a cosine over six has (1 + cos(5π/6)) / 2 left in the last."""
    t = trainer()
    t.fit(
        small_model(),
        shuffled(np.arange(30)),
        cross_entropy,
        recipe(epochs=9, max_steps=6, schedule="cosine", lr=0.4),
    )
    assert [(row["epoch"], row["step"]) for row in t.history] == [(1, 4), (2, 6)]
    assert t.history[-1]["lr"] == pytest.approx(0.4 * (1 + math.cos(5 * math.pi / 6)) / 2)
    assert t.cost.steps == 6
    assert t.cost.samples == 30 + 8 + 8


@pytest.mark.parametrize("step", [1, 4, 5])
def test_a_limited_phase_resumes_within_the_warm_up_of_its_average(trainer, recipe, step):
    """The decay (1+t)/(10+t) goes on from the step's t; the schedule, to the limit."""
    plan = recipe(epochs=9, max_steps=6, schedule="onecycle", ema=0.9999, optimizer="adam")
    whole_and_resumed(trainer, plan, step)


def second_epoch(row):
    return row["epoch"] == 2


def test_until_ends_the_phase_after_the_row(trainer, recipe):
    """As two epochs alone; the row is one that the monitor has filled."""
    expected = state(trainer("two").fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe()))
    t = trainer(monitor=lambda model, epoch: {"forget/UA": 100.0 / epoch})
    model = t.fit(
        small_model(),
        shuffled(np.arange(30)),
        cross_entropy,
        recipe(epochs=5),
        until=lambda row: row["forget/UA"] <= 50,
    )
    assert_equal(expected, state(model))
    assert [row["step"] for row in t.history] == [4, 8]


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


def test_until_looks_at_rows_of_its_own_phase(trainer, recipe):
    t = trainer()
    t.fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe(), stage="first")
    t.fit(
        small_model(),
        shuffled(np.arange(30)),
        cross_entropy,
        recipe(epochs=5),
        stage="second",
        until=second_epoch,
    )
    assert [row["stage"] for row in t.history] == ["first"] * 2 + ["second"] * 2


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


def test_a_hard_mask_holds_for_averaged_weights(trainer, recipe):
    model = small_model()
    before = state(model)
    free = {name: torch.rand_like(p) < 0.5 for name, p in model.named_parameters()}
    t = trainer()
    t.mask = Mask(free, "hard")
    t.fit(model, shuffled(np.arange(30)), cross_entropy, recipe(ema=0.9))
    for name, p in model.named_parameters():
        assert torch.equal(p[~free[name]], before[name][~free[name]])


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


def test_hard_mask_keeps_masked_weights_bit_identical(trainer, recipe):
    model = small_model()
    before = state(model)
    free = {name: torch.rand_like(p) < 0.5 for name, p in model.named_parameters()}
    t = trainer()
    t.mask = Mask(free, "hard")
    t.fit(model, shuffled(np.arange(30)), cross_entropy, recipe(weight_decay=0.1))
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


def test_only_the_named_parameters_move(trainer, recipe):
    model = small_model()
    before = state(model)
    trainer().fit(model, shuffled(np.arange(30)), cross_entropy, recipe(), parameters=["4.weight"])
    assert torch.equal(before["0.weight"], model[0].weight)
    assert not torch.equal(before["4.weight"], model[4].weight)
    assert all(p.requires_grad for p in model.parameters())


def test_penalty_and_proximal_step(trainer, recipe):
    """A proximal step that returns to the anchors undoes all training; the penalty is logged by its name."""
    model = small_model()
    before = state(model)

    def back(parameters, anchors, lr, progress):
        for p, anchor in zip(parameters, anchors, strict=True):
            p.copy_(anchor)

    t = trainer()
    t.fit(
        model,
        shuffled(np.arange(30)),
        cross_entropy,
        recipe(),
        penalty=lambda parameters, progress: sum(p.abs().sum() for p in parameters) * 0.0,
        proximal=back,
    )
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert [row["loss/penalty"] for row in t.history] == [0.0, 0.0]


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


def test_progress_is_told_without_a_terminal(trainer, recipe, caplog):
    with caplog.at_level(logging.INFO, "unlearn"):
        trainer(progress=True).fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe())
    assert "unlearn: step 8 of 8 (epoch 2)" in caplog.text


def test_monitor_and_observer(trainer, recipe):
    rows = []
    t = trainer(observe=rows.append, monitor=lambda model, epoch: {"val/acc": 50.0})
    t.fit(small_model(), shuffled(np.arange(30)), cross_entropy, recipe())
    assert rows == t.history
    assert [(row["epoch"], row["step"], row["val/acc"]) for row in rows] == [(1, 4, 50.0), (2, 8, 50.0)]
