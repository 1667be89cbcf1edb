"""BE and BS on the linear model."""

import torch
from linear_problem import PLAIN_SGD

from unlearn_cli.methods.classification.be import BoundaryExpanding
from unlearn_cli.methods.classification.bs import BoundaryShrink, attacked

LR = PLAIN_SGD["lr"]


def test_expanding_trains_towards_a_shadow_class_and_drops_it(problem):
    model, rows = problem.model(), problem.sets.forget
    widened = problem.model()
    problem.trainer.seeded("extra neuron")
    widened.widen_head(1)
    start = widened.head.weight.detach()
    shadow = torch.full((len(rows),), 3)
    expected = start - LR * problem.gradient(start, rows, shadow)

    after = BoundaryExpanding(**PLAIN_SGD).unlearn(problem.task, model, problem.sets, problem.trainer)
    assert after.head.weight.shape == (3, 4)
    torch.testing.assert_close(after.head.weight.detach(), expected[:3])


def test_attack_is_one_signed_step_in_whole_grey_levels(problem):
    model, rows = problem.model(), problem.sets.forget
    weight = model.head.weight.detach()
    slope = problem.errors(weight, rows) @ weight  # ∇_x of cross-entropy
    moved = (problem.x(rows) + 0.1 * slope.sign()).clamp(0, 1)
    expected = (moved * 255).round() / 255
    found = attacked(problem.task, model, problem.batch(rows), 0.1)
    torch.testing.assert_close(found.x.flatten(1), expected)
    assert found.y.equal(problem.y(rows))


def test_shrinking_trains_towards_the_attacked_prediction(problem):
    model, rows = problem.model(), problem.sets.forget
    method = BoundaryShrink(**PLAIN_SGD, bound=0.5)
    before = model.head.weight.detach().clone()
    moved = attacked(problem.task, model, problem.batch(rows), 0.5).x.flatten(1)
    nearest = (moved @ before.T).argmax(dim=1)
    after = method.unlearn(problem.task, model, problem.sets, problem.trainer).head.weight.detach()
    torch.testing.assert_close(after, before - LR * problem.gradient(before, rows, nearest))


def test_shrinking_attacks_the_frozen_original(problem):
    """Labels come from θ_o in every epoch, even when θ has moved far away."""
    model, rows = problem.model(), problem.sets.forget
    method = BoundaryShrink(**PLAIN_SGD | {"epochs": 3, "lr": 5.0}, bound=0.5)
    weight = model.head.weight.detach().clone()
    moved = attacked(problem.task, model, problem.batch(rows), 0.5).x.flatten(1)
    nearest = (moved @ weight.T).argmax(dim=1)
    for _ in range(3):
        weight = weight - 5.0 * problem.gradient(weight, rows, nearest)
    after = method.unlearn(problem.task, model, problem.sets, problem.trainer).head.weight.detach()
    torch.testing.assert_close(after, weight)
