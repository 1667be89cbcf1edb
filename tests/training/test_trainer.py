import logging
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from small_training import assert_equal, cross_entropy, second_epoch, small_model, state
from torch import nn

from unlearn_cli.data.feeds import shuffled


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
