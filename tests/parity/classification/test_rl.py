"""RL: E_{D_f, y'}[ℓ] + α·E_{D_r}[ℓ] (Fan et al., ICLR 2024, Eq. 6), and the passes of the released code."""

import numpy as np
import pytest
import torch

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.rl import RandomLabel

ALPHA = 0.43


def random_label(small, order, exclude_true=True, **changes):
    return small.unlearned(
        RandomLabel(**RECIPE | changes, alpha=ALPHA, exclude_true=exclude_true, order=order)
    )


def losses(two_classes, model, rows):
    """Towards the other label on forget rows."""
    labels = two_classes.y(rows)
    return two_classes.losses(model, rows, torch.where(two_classes.in_forget(rows), 1 - labels, labels))


@pytest.mark.parametrize("batch_size", [6, 5])
def test_paired_steps_are_the_equation(two_classes, batch_size):
    found = random_label(two_classes, "paired", batch_size=batch_size)

    def loss(model, rows, number):
        each, forget = losses(two_classes, model, rows), two_classes.in_forget(rows)
        return each[forget].sum() / (len(rows) / 3) + ALPHA * each[~forget].sum() / (len(rows) * 2 / 3)

    assert_same(found, trained(two_classes.model(), two_classes.steps, loss))


def test_balanced_steps_are_the_equation_on_halves(two_classes):
    found = random_label(two_classes, "balanced")
    assert all((rows < 4).sum() == (rows >= 4).sum() for rows in two_classes.steps)

    def loss(model, rows, number):
        each, forget = losses(two_classes, model, rows), two_classes.in_forget(rows)
        return each[forget].mean() + ALPHA * each[~forget].mean()

    assert_same(found, trained(two_classes.model(), two_classes.steps, loss))


@pytest.mark.parametrize("order", ["mixed", "sequential"])
def test_passes_of_the_released_code(small, order, monkeypatch):
    """Labels drawn among all; with α = 1 a plain mean, as released: one shuffled pass (CIFAR-100), or all of
    D_f and then all of D_r (CIFAR-10)."""
    drawn, draw = [], torch.randint
    monkeypatch.setattr(torch, "randint", lambda *given: drawn.append(draw(*given)) or drawn[-1])
    found = random_label(small, order, exclude_true=False)
    epoch = small.steps[: len(small.steps) // 2]
    np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), small.rows)
    if order == "sequential":
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)[:4]), small.forget)
        assert all((rows < 4).all() or (rows >= 4).all() for rows in epoch)

    def loss(model, rows, number):
        forget = small.in_forget(rows)
        each = small.losses(model, rows, torch.where(forget, drawn[number], small.y(rows)))
        return (each * torch.where(forget, 1.0, ALPHA)).mean()

    assert_same(found, trained(small.model(), small.steps, loss))
    assert {int(label) for labels in drawn for label in labels} == {0, 1, 2}
