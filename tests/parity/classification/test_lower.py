"""The lower levels of a worst-case selection (Fan et al., ECCV 2024): sign steps on soft memberships w.

`w_FT`, `w_RL`, … of the release step by signs of the same sums. Each passes the model once a step.
"""

import pytest
import torch

from parity.classification.small import RECIPE, assert_same
from parity.classification.test_bs import BOUND, nearest
from unlearn_cli.forget import lower

SIGNS = RECIPE | {"optimizer": "sign", "lr": 0.021, "momentum": 0.0, "weight_decay": 0.0}
W = torch.tensor([0.0, 0.35, 1.0, 0.8, 0.15, 0.6] * 2)


def fine_tuning(small, ascent, gamma=0.0):
    def loss(model, original, rows, progress):
        w = W[torch.as_tensor(rows)]
        value = ((1 - w - ascent * w) * small.losses(model, rows)).mean()
        norm = sum(p.abs().sum() for p in model.parameters())
        return value + gamma * (1 - progress) * norm

    return loss


def random_labels(small, alpha):
    def loss(model, original, rows, progress):
        w, labels = W[torch.as_tensor(rows)], small.y(rows)
        log_p = model(small.x(rows)).log_softmax(1)
        at = torch.arange(len(rows))
        return -(w * log_p[at, 1 - labels] + alpha * (1 - w) * log_p[at, labels]).mean()

    return loss


def scrub(small, alpha, gamma, t):
    def loss(model, original, rows, progress):
        w, outputs = W[torch.as_tensor(rows)], model(small.x(rows))
        target = (original(small.x(rows)) / t).softmax(1).detach()
        distance = t**2 * (target * (target.log() - (outputs / t).log_softmax(1))).sum(1)
        right = -outputs.log_softmax(1)[torch.arange(len(rows)), small.y(rows)]
        return ((1 - w) * (gamma * right + alpha * distance) - w * distance).mean()

    return loss


def boundary_shrink(small):
    def loss(model, original, rows, progress):
        labels = nearest(small, original, rows)[1]
        return (W[torch.as_tensor(rows)] * small.losses(model, rows, labels)).mean()

    return loss


def boundary_expanding(small):
    def loss(model, original, rows, progress):
        shadow = torch.full((len(rows),), 2)
        return (W[torch.as_tensor(rows)] * small.losses(model, rows, shadow)).mean()

    return loss


LEVELS = {
    "ft": (lower.FineTune, {"ascent": 0.27}, lambda small: fine_tuning(small, 0.27)),
    "retrain": (lower.Retrain, {"ascent": 0.27}, lambda small: fine_tuning(small, 0.27)),
    "l1_sparse": (
        lower.L1Sparse,
        {"ascent": 0.27, "gamma": 0.06},
        lambda small: fine_tuning(small, 0.27, 0.06),
    ),
    "rl": (lower.RandomLabel, {"alpha": 0.63}, lambda small: random_labels(small, 0.63)),
    "scrub": (
        lower.Scrub,
        {"alpha": 0.31, "gamma": 0.83, "temperature": 0.7},
        lambda small: scrub(small, 0.31, 0.83, 0.7),
    ),
    "bs": (lower.BoundaryShrink, {"bound": BOUND}, boundary_shrink),
    "be": (lower.BoundaryExpanding, {}, boundary_expanding),
}


@pytest.mark.parametrize("name", LEVELS)
def test_the_terms(two_classes, name):
    """Of one batch, to every digit: signs of a step would hide a small error."""
    kind, values, made = LEVELS[name]
    level, original = kind(**SIGNS, **values), two_classes.model()
    model = two_classes.model()
    with torch.no_grad():
        for number, p in enumerate(model.parameters()):
            p += 0.6 * torch.randn(p.shape, generator=torch.Generator().manual_seed(number))
    if name == "be":
        model.widen_head(1)
    (batch,) = two_classes.trainer.batches(two_classes.rows)
    found = level.loss(two_classes.task, model, original, batch, W).mean()
    if level.penalty:
        found = found + level.penalty([*model.parameters()], 0.4)
    expected = made(two_classes)(model, original, two_classes.rows, 0.4)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_attacked_image(two_classes, monkeypatch):
    """Labels alone would not tell a bound from one a little larger."""
    (batch,), original = two_classes.trainer.batches(two_classes.rows), two_classes.model()
    shown = two_classes.shown_to_teachers(monkeypatch)
    level, model = lower.BoundaryShrink(**SIGNS, bound=BOUND), two_classes.model().train()
    shown.clear()
    level.loss(two_classes.task, model, original, batch, W)
    attacked = shown[1]
    expected = nearest(two_classes, two_classes.model(), two_classes.rows)[0]
    torch.testing.assert_close(attacked, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", LEVELS)
def test_sign_steps(two_classes, name):
    """θ ← θ − β·sign(∇ℓ); the model passes each batch once, and what passes is counted."""
    kind, values, made = LEVELS[name]
    found = kind(**SIGNS, **values).unlearn(
        two_classes.task, two_classes.model(), two_classes.rows, W, two_classes.trainer, "selection-1"
    )
    original, model, loss = two_classes.model(), two_classes.model().train(), made(two_classes)
    if name == "be":
        two_classes.trainer.seeded("extra neuron")
        model.widen_head(1)
    for number, rows in enumerate(two_classes.steps):
        value = loss(model, original, rows, number / len(two_classes.steps))
        gradients = torch.autograd.grad(value, [*model.parameters()])
        with torch.no_grad():
            for p, gradient in zip(model.parameters(), gradients, strict=True):
                p -= 0.021 * gradient.sign()
    if name == "be":
        model.narrow_head(2)
    # where a gradient is 0 but for rounding the two may part: batch norm leaves none to the bias before it
    model.body[1].bias.data.copy_(found.body[1].bias.data)
    model.body[2].running_mean.copy_(found.body[2].running_mean)
    assert_same(found, model)
    assert two_classes.trainer.cost.forwards == found.passed + original.passed
