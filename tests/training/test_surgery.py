"""Gradient surgery: orthogonality, granularity, the release's projection, what is refused."""

import pytest
import torch
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.errors import InputError
from unlearn_cli.training.surgery import Surgery
from unlearn_cli.training.trainer import Trainer

PLAIN = {
    "granularity": "tensor",
    "projection": "exact",
    "strength": 1.0,
    "retain_weight": 0.0,
    "clip_norm": None,
}


def surgery(**changes) -> Surgery:
    return Surgery(**PLAIN | changes)


def parameters(*sizes: int) -> dict[str, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    names = ["first.weight", "first.bias", "second.weight"]
    found = (torch.randn(size, generator=generator) for size in sizes)
    return {name: nn.Parameter(value) for name, value in zip(names, found, strict=False)}


def linear(named, *slopes: torch.Tensor) -> torch.Tensor:
    """A loss with these gradients."""
    return sum((p * slope).sum() for p, slope in zip(named.values(), slopes, strict=True))


def slopes(seed: int, *sizes: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(size, generator=generator) for size in sizes]


def test_exact_projection_leaves_nothing_along_the_retain_gradient():
    named = parameters(500)
    (r,) = slopes(1, 500)
    f = -2 * r + slopes(2, 500)[0]
    (step,), measured = surgery().combined({"forget": linear(named, f), "retain": linear(named, r)}, named)
    assert abs(torch.dot(step, r)) < 1e-3 * f.norm() * r.norm()
    torch.testing.assert_close(step, f - torch.dot(f, r) / torch.dot(r, r) * r, atol=1e-5, rtol=1e-4)
    assert measured["conflict"] == 1
    cosine = torch.dot(f, r) / (f.norm() * r.norm())
    torch.testing.assert_close(measured["cosine"], cosine)


def test_without_conflict_the_forget_gradient_is_untouched():
    named = parameters(5)
    (r,) = slopes(1, 5)
    f = 3 * r
    (step,), measured = surgery().combined({"forget": linear(named, f), "retain": linear(named, r)}, named)
    assert torch.equal(step, f)
    assert measured["conflict"] == 0


def test_the_release_forgets_the_norm_of_the_forget_gradient():
    named = parameters(3)
    r, f = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([-0.3, 0.4, 0.0])
    terms = {"forget": linear(named, f), "retain": linear(named, r)}
    (step,), _ = surgery(projection="release", strength=0.5).combined(terms, named)
    # cos = -0.6; g_f - 0.5 * (-0.6) * (1, 0, 0)
    torch.testing.assert_close(step, torch.tensor([0.0, 0.4, 0.0]))


@pytest.mark.parametrize(
    ("granularity", "conflict"),
    [("tensor", 1 / 3), ("layer", 1 / 2), ("global", 0.0)],
)
def test_what_is_compared(granularity, conflict):
    """first.weight conflicts strongly, first.bias agrees a little, second.weight agrees strongly."""
    named = parameters(1, 1, 1)
    f = [torch.tensor([-1.0]), torch.tensor([0.5]), torch.tensor([3.0])]
    r = [torch.ones(1)] * 3
    terms = {"forget": linear(named, *f), "retain": linear(named, *r)}
    _, measured = surgery(granularity=granularity).combined(terms, named)
    assert float(measured["conflict"]) == pytest.approx(conflict)


def test_both_gradients_are_clipped_and_the_retain_gradient_is_added():
    """Neither is made longer."""
    named = parameters(2)
    f, r = torch.tensor([0.0, 30.0]), torch.tensor([4.0, 0.0])
    for clip_norm, expected in ((1.0, [0.5, 1.0]), (30.1, [2.0, 30.0])):
        terms = {"forget": linear(named, f), "retain": linear(named, r)}
        (step,), _ = surgery(clip_norm=clip_norm, retain_weight=0.5).combined(terms, named)
        torch.testing.assert_close(step, torch.tensor(expected))


@pytest.mark.parametrize("names", [["forget"], ["retain"]])
def test_it_needs_both_terms(names):
    named = parameters(2)
    with pytest.raises(InputError, match="surgery: it needs a method with a term for forgetting and one for"):
        surgery().combined({name: linear(named, torch.ones(2)) for name in names}, named)


def test_a_trainer_steps_along_the_projected_gradient(toy, compute, recipe, tmp_path):
    """One step of SGD; the terms pull in opposite directions, so that nothing is left to step along."""
    model = nn.Linear(16, 1, bias=False)
    before = model.weight.detach().clone()

    def objective(model, batch):
        score = model(batch.x.flatten(1)).mean()
        return {"forget": score, "retain": -3 * score}

    trainer = Trainer(toy, None, compute, 0, tmp_path, surgery=surgery())
    sgd = recipe(epochs=1, max_steps=1, momentum=0.0, weight_decay=0.0)
    trainer.fit(model, shuffled(toy.train_rows), objective, sgd)
    torch.testing.assert_close(model.weight, before, atol=1e-6, rtol=0)
    assert trainer.history[-1]["loss/conflict"] == 1
    assert trainer.history[-1]["loss/cosine"] == pytest.approx(-1, abs=1e-5)
