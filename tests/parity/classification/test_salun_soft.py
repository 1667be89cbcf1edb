"""SalUn-soft: the proximal step of the equation, and `RL_proximal` of the released code, step by step."""

import math

import pytest
import torch

from parity.classification.small import RATE, RECIPE, Network, Small, assert_same, trained
from parity.classification.test_rl import losses
from unlearn_cli.methods.salun_soft import SalUnSoft

ALPHA = 0.43
EPOCHS = 3


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def soften(model, anchor, tau):
    """θ ← anchor + sign(d)·max(|d| − τ, 0), as the release writes it, over all weights at once."""
    theta = flat(model)
    moved = theta - anchor
    theta = torch.where(moved > tau, theta - tau, torch.where(moved < -tau, theta + tau, anchor))
    for p, part in zip(model.parameters(), theta.split([p.numel() for p in model.parameters()]), strict=True):
        p.copy_(part.view_as(p))


def test_the_proximal_step_of_the_equation(two_classes):
    settings = {"alpha": ALPHA, "exclude_true": True, "order": "paired"}
    method = SalUnSoft(**RECIPE | {"epochs": EPOCHS}, **settings, compat="paper", beta=0.57, ratio=0.0)
    found = two_classes.unlearned(method)

    def loss(model, rows, number):
        each, forget = losses(two_classes, model, rows), two_classes.in_forget(rows)
        return each[forget].mean() + ALPHA * each[~forget].mean()

    start = two_classes.model()
    steps = len(two_classes.steps)

    def proximal(model, number):
        soften(model, flat(start), RATE * 0.57 * (1 - number / steps))

    assert_same(found, trained(start, two_classes.steps, loss, proximal))
    assert (flat(found) == flat(start)).any()


@pytest.mark.parametrize("order", ["mixed", "sequential"])
def test_thresholding_of_the_released_code(two_classes, order):
    """Anchors are the weights at each epoch's start; the quantile's share falls by epoch in a mixed pass, by
    step in a pass over D_r; it counts the batches of both sets apart."""
    settings = {"alpha": 1.0, "exclude_true": True, "order": order}
    size, ratio = 3, 0.71
    recipe = RECIPE | {"epochs": EPOCHS, "batch_size": size}
    found = two_classes.unlearned(SalUnSoft(**recipe, **settings, compat="release", beta=0.0, ratio=ratio))
    counted = math.ceil(4 / size) + math.ceil(8 / size)  # len(forget_loader) + len(retain_loader)
    total, made = EPOCHS * counted, len(two_classes.steps) // EPOCHS
    assert made == (4 if order == "mixed" else counted)
    anchor = [flat(two_classes.model())]

    def threshold(model, number):
        epoch, step = divmod(number, made)
        i = max(0, step - 2) if order == "sequential" else 0
        theta = flat(model)
        k = int(ratio * ((total - (epoch * counted + i + 1)) / total * len(theta)))
        tau = (theta - anchor[0]).abs().sort().values[k - 1]
        soften(model, anchor[0], tau)
        if step == made - 1:
            anchor[0] = flat(model)

    def loss(model, rows, number):
        return losses(two_classes, model, rows).mean()

    assert_same(found, trained(two_classes.model(), two_classes.steps, loss, threshold))


def test_a_killed_run_goes_on_from_the_epochs_weights(tmp_path, monkeypatch):
    """They are in the checkpoint: those of the original would be others in the second epoch."""
    settings = {"alpha": 1.0, "exclude_true": True, "order": "mixed", "beta": 0.0, "ratio": 0.71}
    method = SalUnSoft(**RECIPE | {"epochs": EPOCHS, "batch_size": 3}, **settings, compat="release")
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = Small(tmp_path / "whole", classes=2).unlearned(method)
    killed = Small(tmp_path / "killed", classes=2)
    killed.trainer.checkpoint_minutes = 0.0
    forward, passed = Network.forward, []

    def until_the_second_epoch(model, x):
        passed.append(len(x))
        if model.training and len(passed) == 8:  # the original's statistics took one
            raise KeyboardInterrupt
        return forward(model, x)

    monkeypatch.setattr(Network, "forward", until_the_second_epoch)
    with pytest.raises(KeyboardInterrupt):
        killed.unlearned(method)
    monkeypatch.undo()
    again = Small(tmp_path / "killed", classes=2)
    assert_same(again.unlearned(method), whole)
    assert len(again.steps) == 6  # of twelve
