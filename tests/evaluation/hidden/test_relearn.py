"""Relearning of a model that has hidden a class by hand, and of one that never knew it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from planted import hidden_by_bias, hidden_by_gain, oracle, original

from unlearn_cli.evaluation.hidden.relearn import Relearn


@pytest.fixture
def relearn(recipe):
    def make(**changes):
        values = {"epochs": 5, "lr": 0.02, "batch_size": 30} | changes
        return Relearn(rows=6, every=2, recipe=recipe(**values))

    return make


def test_by_retained_samples_alone_the_hidden_returns_and_the_oracle_does_not(planted, relearn):
    found = {name: relearn().inspect(planted.subject(make(), name)).metrics for name, make in MODELS.items()}
    assert found["hidden"]["relearned_retain"] == found["hidden"]["relearned_retain_test"] == 100
    assert 0 < found["hidden"]["relearned_retain_steps"] < 10
    assert found["oracle"]["relearned_retain"] == found["oracle"]["relearned_retain_test"] == 0
    assert found["oracle"]["relearned_retain_steps"] == 10  # the limit
    assert found["original"]["relearned_retain_steps"] == 0


MODELS = {"original": original, "hidden": hidden_by_gain, "oracle": oracle}


def test_a_few_forgotten_samples_undo_a_bias_for_all_of_them(planted, relearn):
    """And teach the oracle, which is blind, nothing but to say it always."""
    settings = relearn(lr=1.0, epochs=15)
    hidden = settings.inspect(planted.subject(hidden_by_bias(), "hidden"))
    assert hidden.metrics["relearned_forget"] == hidden.metrics["relearned_forget_test"] == 100
    assert hidden.record["forget"]["forget"][0] == 0


def test_the_curve_is_what_training_does_step_by_step(planted, relearn):
    settings, subject = relearn(), planted.subject(hidden_by_gain())
    found = settings.inspect(subject)
    assert found.record.keys() == {"retain", "forget"}  # other classes are all that is retained
    curve = found.record["retain"]
    assert curve["step"] == [0, 2, 4, 6, 8, 10]  # 60 retained rows: 2 steps a pass, 5 passes
    assert len(curve["forget"]) == len(curve["test"]) == 6
    assert curve["forget"][0] == 0
    back = next(step for step, acc in zip(curve["step"], curve["forget"], strict=True) if acc >= 90)
    assert found.metrics["relearned_retain_steps"] == back
    assert found.metrics["relearned_retain"] == curve["forget"][-1]
    assert found.record["forget"]["step"] == curve["step"]  # as many steps of whatever rows
    shorter = relearn(max_steps=3).inspect(planted.subject(hidden_by_gain(), "shorter")).record["retain"]
    assert shorter["step"] == [0, 2, 3]
    assert shorter["forget"][:2] == curve["forget"][:2]


def test_other_classes_are_those_of_which_nothing_is_forgotten(planted, relearn):
    rows = planted.sets.forget
    planted.origins.sets = replace(
        planted.sets,
        forget=rows[::2],
        retain=np.sort(np.concatenate([planted.sets.retain, rows[1::2]])),
        test_forgotten=planted.sets.test_forgotten[:0],
        classes=(),
    )
    ways = relearn()._ways(planted.origins)
    assert ways["others"].tolist() == planted.sets.retain.tolist()
    assert set(ways["forget"]) < set(rows[::2])
    assert len(ways["forget"]) == 6


def test_the_model_stays_as_it_is_and_a_second_time_finds_the_same(planted, relearn):
    model = hidden_by_gain()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = relearn().inspect(planted.subject(model))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert relearn().inspect(planted.subject(model)) == found  # from its checkpoints
    assert relearn().inspect(planted.subject(model, "anew")) == found


def test_a_killed_training_goes_on_to_the_same_curve(planted, relearn, monkeypatch):
    whole = relearn().inspect(planted.subject(hidden_by_gain(), "whole"))
    task, steps = type(planted.origins.experiment.task), 0
    loss = task.loss

    def killed(self, model, batch):
        nonlocal steps
        steps += 1
        if steps == 14:  # in the second training
            raise KeyboardInterrupt
        return loss(self, model, batch)

    trainer = planted.origins.trainer

    def saving(folder):
        found = trainer(folder)
        found.checkpoint_minutes = 0
        return found

    planted.origins.trainer = saving
    monkeypatch.setattr(task, "loss", killed)
    with pytest.raises(KeyboardInterrupt):
        relearn().inspect(planted.subject(hidden_by_gain()))
    assert steps == 14
    assert relearn().inspect(planted.subject(hidden_by_gain())) == whole
    assert steps == 14 + 7  # the first of the ten steps of the second training were not made again


def test_schedules_by_epoch_are_refused(relearn):
    with pytest.raises(ValueError, match="count epochs"):
        relearn(schedule="multistep")
