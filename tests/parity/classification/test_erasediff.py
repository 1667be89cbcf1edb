"""EraseDiff: ∇ℓ_r + λ·∇q with λ fixed (release) or of BOME's dynamic barrier (Liu et al., NeurIPS 2022)."""

import pytest
import torch

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.erasediff import EraseDiff

SETTINGS = {"weight": None, "barrier": "square", "eta": 1.7, "inner_steps": 2, "inner_lr": 0.19}


def slope(loss, model):
    parts = torch.autograd.grad(loss, [*model.parameters()], retain_graph=True)
    return torch.cat([part.flatten() for part in parts])


@pytest.mark.parametrize("kind", ["fixed", "square", "value"])
def test_the_step(two_classes, kind):
    """The inner θ_K, in train mode too, are K plain steps from θ; batch norm passes the forget half first."""
    changes = {"fixed": {"weight": 0.29}, "square": {}, "value": {"barrier": "value", "eta": 9.3}}[kind]
    method = EraseDiff(**RECIPE | {"batch_size": 8}, **SETTINGS | changes)
    found = two_classes.unlearned(method)
    multipliers = []

    def wrong(model, rows):
        return two_classes.losses(model, rows, 1 - two_classes.y(rows)).mean()

    def ahead(model, rows):
        moved = two_classes.model().train()
        moved.load_state_dict(model.state_dict())
        for _ in range(2):
            parts = torch.autograd.grad(wrong(moved, rows), [*moved.parameters()])
            with torch.no_grad():
                for p, part in zip(moved.parameters(), parts, strict=True):
                    p -= 0.19 * part
        return wrong(moved, rows).detach()

    def loss(model, rows, number):
        of_k = ahead(model, rows[rows < 4]) if kind == "value" else 0.0
        forget, retain = wrong(model, rows[rows < 4]), two_classes.losses(model, rows[rows >= 4]).mean()
        if kind == "fixed":
            return retain + 0.29 * forget
        of_retain, of_forget = slope(retain, model), slope(forget, model)
        square = of_forget @ of_forget
        phi = 1.7 * square if kind == "square" else 9.3 * (forget.detach() - of_k)
        multipliers.append(max(0.0, float((phi - of_retain @ of_forget) / square)))
        return retain + multipliers[-1] * forget

    assert_same(found, trained(two_classes.model(), two_classes.steps, loss))
    assert all(value > 0 for value in multipliers)
    looks = 3 * sum((rows < 4).sum() for rows in two_classes.steps) if kind == "value" else 0
    assert two_classes.trainer.cost.forwards == found.passed + looks
    slopes = found.passed if kind == "fixed" else 2 * found.passed  # λ asks for each gradient once more
    assert two_classes.trainer.cost.backwards == slopes + looks * 2 // 3
