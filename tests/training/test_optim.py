"""Schedules against closed forms, optimisers and averaged weights by hand."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

STEPS = [4, 4, 2]  # of three epochs


def rates(recipe, done=0):
    """The rate of each of the steps from `done` on."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], recipe.lr)
    schedule = recipe.make_schedule(optimizer, STEPS, done)
    found = []
    for _ in range(done, sum(STEPS)):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def annealed(start, end, share):
    """Half a cosine from start to end."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def closed_form(schedule, step):
    match schedule:
        case "constant":
            return 0.4
        case "cosine":
            return annealed(0.4, 0, step / 10)
        case "multistep":
            return 0.4 * 0.1 ** sum(step >= milestone for milestone in (4, 8))
        case "triangle":  # from a fifth, to the peak at 23 %, to 7 % at the end
            up, down = 0.2 + 0.8 * step / 2.3, 1 - 0.93 * (step - 2.3) / 7.7
            return 0.4 * (up if step < 2.3 else down)
        case "onecycle":  # 30 % up from a 25th, then down to a 10,000th of that; 10 steps, state 11 unseen
            peak = 0.3 * 11 - 1
            start, end = 0.4 / 25, 0.4 / 25 / 1e4
            up = step <= peak
            return (
                annealed(start, 0.4, step / peak) if up else annealed(0.4, end, (step - peak) / (10 - peak))
            )


@pytest.mark.parametrize("schedule", ["constant", "cosine", "multistep", "onecycle", "triangle"])
def test_schedule(recipe, schedule):
    chosen = recipe(schedule=schedule, lr=0.4, milestones=[1, 2])
    found = rates(chosen)
    assert found == pytest.approx([closed_form(schedule, step) for step in range(10)], rel=1e-6, abs=1e-9)
    for done in range(10):
        assert rates(chosen, done) == pytest.approx(found[done:], rel=1e-12)  # replayed after a resumption


def test_milestones_beyond_the_end_and_at_uneven_epochs(recipe):
    assert rates(recipe(schedule="multistep", lr=1.0, milestones=[2, 9], decay=0.5)) == [1.0] * 8 + [0.5] * 2


@pytest.mark.parametrize("schedule", ["constant", "cosine", "multistep"])
def test_a_schedule_begins_after_its_warm_up(recipe, schedule):
    """Dassl's constant warm-up: the schedule, of its full length, comes an epoch later."""
    chosen = recipe(schedule=schedule, lr=0.4, milestones=[1], warmup_epochs=1, warmup_lr=0.03)
    plain = rates(recipe(schedule=schedule, lr=0.4, milestones=[1]))
    found = rates(chosen)
    assert found == pytest.approx([0.03] * 4 + plain[:6], rel=1e-6)
    for done in range(10):
        assert rates(chosen, done) == pytest.approx(found[done:], rel=1e-12)


def test_a_warm_up_as_long_as_the_phase_or_above_the_rate(recipe):
    assert rates(recipe(lr=0.4, warmup_epochs=7, warmup_lr=0.5)) == pytest.approx([0.5] * 10)


@pytest.mark.parametrize("schedule", ["onecycle", "triangle"])
def test_one_cycle_takes_no_warm_up(recipe, schedule):
    with pytest.raises(ValidationError, match=f"{schedule} warms up by itself"):
        recipe(schedule=schedule, warmup_epochs=1)


@pytest.mark.parametrize("schedule", ["cosine", "onecycle", "triangle"])
def test_biases_learn_at_a_rate_and_decay_of_their_own(recipe, schedule):
    """In every step so many times the rate; the decay of a step, rate times weight decay, is everybody's."""
    layer = nn.BatchNorm1d(2)
    net = nn.Sequential(layer, nn.Linear(2, 2, bias=False))
    chosen = recipe(lr=0.4, bias_lr_factor=64.0, schedule=schedule)
    optimizer = chosen.make_optimizer(chosen.parameter_groups(net, dict(layer.named_parameters())))
    update = chosen.make_schedule(optimizer, STEPS)
    weights, biases = optimizer.param_groups
    assert [group["params"] for group in (weights, biases)] == [[layer.weight], [layer.bias]]
    for _ in range(3):
        assert biases["lr"] == pytest.approx(64 * weights["lr"])
        decays = [group["lr"] * group["weight_decay"] for group in (weights, biases)]
        assert decays[0] == pytest.approx(decays[1])
        update.step()
    assert len(chosen.parameter_groups(net, {"0.bias": layer.bias})) == 1


def test_other_biases_than_those_of_norms_learn_at_everybodys_rate(recipe):
    """As in airbench, whose whitened first layer and whose last layer are no norms."""
    net = nn.Sequential(nn.Conv2d(3, 4, 2), nn.GroupNorm(2, 4), nn.BatchNorm2d(4), nn.Linear(4, 2))
    others, quick = recipe(bias_lr_factor=64.0).parameter_groups(net, dict(net.named_parameters()))
    assert {id(p) for p in quick["params"]} == {id(net[1].bias), id(net[2].bias)}
    assert len(others["params"]) == 6


def test_nesterov_by_hand(recipe):
    """θ ← θ − β·(g + μ·v), v ← μ·v + g."""
    p = nn.Parameter(torch.tensor([2.0]))
    chosen = recipe(lr=0.5, momentum=0.9, nesterov=True, weight_decay=0.0)
    optimizer, expected, velocity = chosen.make_optimizer([p]), 2.0, 0.0
    for gradient in (1.0, -0.5):
        p.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.9 * velocity + gradient
        expected -= 0.5 * (gradient + 0.9 * velocity)
        assert p.item() == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{"momentum": 0.0}, {"optimizer": "adam"}])
def test_nesterov_needs_momentum(recipe, changes):
    with pytest.raises(ValidationError, match="only SGD with momentum"):
        recipe(nesterov=True, **changes)


@pytest.mark.parametrize(
    ("most", "expected"),
    [(None, [4, 4, 2]), (1, [1]), (4, [4]), (5, [4, 1]), (8, [4, 4]), (9, [4, 4, 1]), (10, [4, 4, 2])],
)
def test_max_steps_cuts_the_last_epoch(recipe, most, expected):
    assert recipe(max_steps=most).limited_steps(STEPS) == expected


def test_more_max_steps_than_there_are_change_nothing(recipe):
    assert recipe(max_steps=1000).limited_steps(STEPS) == STEPS


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_sgd_with_momentum_by_hand(recipe, weight_decay):
    p = nn.Parameter(torch.tensor([2.0]))
    optimizer = recipe(lr=0.5, momentum=0.9, weight_decay=weight_decay).make_optimizer([p])
    expected, velocity = 2.0, 0.0
    for gradient in (1.0, -0.5, 2.0):
        p.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.9 * velocity + gradient + weight_decay * expected
        expected -= 0.5 * velocity
        assert p.item() == pytest.approx(expected)


def test_adamw_decays_apart_from_the_gradient_and_adam_does_not(recipe):
    """The first step moves by lr·sign(g); AdamW shrinks the weight by 1 − lr·λ besides."""
    for name, expected in (("adam", 2.0 - 0.1), ("adamw", 2.0 * (1 - 0.1 * 0.5) - 0.1)):
        p = nn.Parameter(torch.tensor([2.0]))
        optimizer = recipe(optimizer=name, lr=0.1, weight_decay=0.5).make_optimizer([p])
        p.grad = torch.tensor([3.0])
        optimizer.step()
        assert p.item() == pytest.approx(expected, rel=1e-5)


def test_averaged_weights_by_hand(recipe):
    """θ̄ ← d_t·θ̄ + (1 − d_t)·θ from the first θ on, d_t = min(d, (1+t)/(10+t)); batch-norm statistics too."""
    model = nn.BatchNorm1d(1)
    averaged = recipe(ema=0.2).make_ema(model)
    expected_weight, expected_mean = None, None
    for weight, mean, d in ((1.0, 0.0, None), (3.0, 1.0, 2 / 11), (-2.0, 5.0, 0.2)):
        model.weight.data.fill_(weight)
        model.running_mean.fill_(mean)
        averaged.update_parameters(model)
        expected_weight = weight if expected_weight is None else d * expected_weight + (1 - d) * weight
        expected_mean = mean if expected_mean is None else d * expected_mean + (1 - d) * mean
    assert averaged.module.weight.item() == pytest.approx(expected_weight)
    assert averaged.module.running_mean.item() == pytest.approx(expected_mean)
    assert recipe().make_ema(model) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0},
        {"epochs": 0},
        {"max_steps": 0},
        {"ema": 1.0},
        {"clip_norm": 0},
        {"momentum": 1},
        {"decay": 2},
    ],
)
def test_values_out_of_range_are_refused(recipe, wrong):
    with pytest.raises(ValidationError):
        recipe(**wrong)


def test_sign_steps_by_hand(recipe):
    """Every entry moves by the rate against its gradient's sign, or stays where that is 0; nothing decays."""
    p, idle = nn.Parameter(torch.tensor([2.0, -1.0, 0.5, 3.0])), nn.Parameter(torch.tensor([7.0]))
    optimizer = recipe(optimizer="sign", lr=0.25, momentum=0.9, weight_decay=0.5).make_optimizer([p, idle])
    for gradient in ([1e-9, -5.0, 0.0, 2.0], [1e3, 1e-3, 0.0, -2.0]):
        p.grad = torch.tensor(gradient)
        optimizer.step()
    assert p.tolist() == [1.5, -1.0, 0.5, 3.0]
    assert idle.tolist() == [7.0]


def test_sign_steps_follow_the_schedule(recipe):
    p = nn.Parameter(torch.tensor([1.0]))
    chosen = recipe(optimizer="sign", lr=0.5, schedule="multistep", milestones=[1], decay=0.5)
    optimizer = chosen.make_optimizer([p])
    schedule = chosen.make_schedule(optimizer, [1, 1])
    for _ in range(2):
        p.grad = torch.tensor([-4.0])
        optimizer.step()
        schedule.step()
    assert p.item() == 1.75
