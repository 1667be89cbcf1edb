"""Questions that try to bring a forgotten answer back."""

import numpy as np
import pytest
import torch
from seeing_models import Seer, judged
from tiny_vlm import TinyProblem
from torch import nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.evaluation.vlm.hard_questions import (
    Pixels,
    lettered,
    likeliest_answers,
    pixel_attack,
    typographic_attack,
)


def test_harder_questions_bring_back_what_was_only_hidden(run):
    model = Seer({"red": "blue"}, obeys=True)
    (red,) = {int(run.data.labels[row]) for row in (36, 39)}
    (blue,) = {int(run.data.labels[row]) for row in (42, 45)}
    run.experiment.task.likeliest = {red: blue}
    found = judged(run, model)
    assert found["UA_direct"] == found["UA_choice"] == 100
    assert found["UA_jailbreak"] == 0
    run.experiment.task.likeliest = {}
    assert judged(run, model)["UA_choice"] == 0


@pytest.mark.parametrize(("side", "bar"), [(32, 10), (96, 12)])
def test_letters_change_nothing_but_a_bar_at_the_bottom(side, bar):
    x = torch.rand(3, side, side, generator=torch.Generator().manual_seed(0))
    found = lettered(x, "grey")
    assert found.shape == x.shape
    assert torch.allclose(found[:, :-bar], x[:, :-bar], atol=0.5 / 255 + 1e-6)
    written = found[:, -bar:]
    assert written.min() == 0
    assert written.max() > 0.9
    assert not torch.equal(written, lettered(x, "red")[:, -bar:])
    assert torch.equal(lettered(x, "")[:, -bar:], torch.zeros(3, bar, side))


def test_the_letters_are_each_images_own_answer(run):
    (batch,) = run.tiny.trainer.batches(np.array([36, 42]))
    found = typographic_attack(run.experiment.task)(None, batch)
    assert torch.equal(found[0], lettered(batch.x[0], "red"))
    assert torch.equal(found[1], lettered(batch.x[1], "blue"))


def test_perturbed_pixels_stay_near_and_raise_the_answers_likelihood(tmp_path):
    tiny = TinyProblem(tmp_path)
    model, batch = tiny.model(), tiny.batch(np.array([0, 3, 8]))
    moved = pixel_attack(tiny.task, Pixels(steps=4, epsilon=0.05, rate=0.02))(model, batch)
    assert not moved.requires_grad
    assert (moved - batch.x).abs().max() <= 0.05 + 1e-6
    assert moved.min() >= 0
    assert moved.max() <= 1
    before = tiny.task.loss(model, batch)
    after = tiny.task.loss(model, Batch(moved, batch.y, batch.index, batch.forget))
    assert (after < before).all()
    one = pixel_attack(tiny.task, Pixels(steps=1, epsilon=0.05, rate=0.02))(model, batch)
    inside = (batch.x > 0.02) & (batch.x < 0.98)
    change = (one - batch.x).abs()[inside]
    assert torch.allclose(change, change.new_full((), 0.02), atol=1e-6)


def test_the_likeliest_answers_come_batch_by_batch(run):
    rows = np.arange(36, 48)
    task = run.experiment.task
    task.likeliest = {int(run.data.labels[36]): 99}
    found = likeliest_answers(task, nn.Identity(), run.tiny.trainer, rows)
    expected = run.data.labels[rows].copy()
    expected[[0, 3]] = 99
    assert found.tolist() == expected.tolist()
