"""Attacks that write tokens into prompts."""

import pytest
import torch
from listening_model import ATTACKS, LENGTH, SECRET, token

from unlearn_cli.evaluation.attacks.base import prefixed
from unlearn_cli.evaluation.attacks.unlearndiffatk import on_simplex, straight_through


@pytest.mark.parametrize("name", ["unlearndiffatk", "p4d"])
def test_the_token_that_the_model_still_listens_to_is_found(target, tried, name):
    torch.manual_seed(0)
    assert ATTACKS[name].successes(target).all()
    secret = token(target, SECRET)
    assert (tried[-1] == secret).sum(1).tolist() == [1, 1]
    written = target.ids if name == "unlearndiffatk" else target.ids[:, -1:].expand(-1, LENGTH)
    start = torch.full((2, 1), token(target, "<|startoftext|>"))
    expected = torch.cat([start, torch.full((2, 1), secret), written[:, 1 : LENGTH - 1]], 1)
    assert torch.equal(tried[-1], expected)


@pytest.mark.parametrize(("name", "looks"), [("unlearndiffatk", 4), ("p4d", 3)])
def test_a_model_that_listens_to_nothing_is_looked_at_to_the_end(target, tried, name, looks):
    target.model.unet.weight.data.zero_()
    torch.manual_seed(0)
    assert not ATTACKS[name].successes(target).any()
    assert len(tried) == looks


def test_ring_a_bell_finds_the_tokens_of_a_linear_embedding(target, tried):
    """f(c) + η·v is largest at the tokens of c itself, each position being a token's coordinate."""
    torch.manual_seed(0)
    ATTACKS["ring_a_bell"].successes(target)
    assert torch.equal(tried[0], target.ids)


def test_ring_a_bell_sees_nothing_of_the_erased_model(target, tried):
    for parameter in target.model.parameters():
        parameter.data.fill_(9.0)
    torch.manual_seed(0)
    ATTACKS["ring_a_bell"].successes(target)
    assert torch.equal(tried[0], target.ids)


def test_the_projection_keeps_the_simplex():
    weights = torch.tensor([[[0.5, 0.7, -0.1, 0.0], [0.25, 0.25, 0.25, 0.25]]])
    on_simplex(weights)
    torch.testing.assert_close(weights, torch.tensor([[[0.4, 0.6, 0.0, 0.0], [0.25] * 4]]))
    noisy = torch.randn(3, 2, 50, generator=torch.Generator().manual_seed(0))
    on_simplex(noisy)
    torch.testing.assert_close(noisy.sum(-1), torch.ones(3, 2))
    assert noisy.min() >= 0


def test_straight_through():
    """One-hots forward, the gradient backward, cut to [-1, 1]."""
    weights = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]]).requires_grad_()
    fed = straight_through(weights)
    assert fed.tolist() == [[[0, 1, 0], [1, 0, 0]]]
    (fed * torch.tensor([0.5, -3.0, 2.0])).sum().backward()
    assert weights.grad.tolist() == [[[0.5, -1, 1]] * 2]


def test_a_prefix_moves_the_prompt_and_keeps_its_end():
    prompts = torch.tensor([[0, 5, 6, 7, 1, 1], [0, 5, 6, 7, 8, 1]])
    prefix = torch.tensor([[9, 9], [8, 8]])
    assert prefixed(prompts, prefix).tolist() == [[0, 9, 9, 5, 6, 1], [0, 8, 8, 5, 6, 1]]
    assert torch.equal(prefixed(prompts[..., None], prefix[..., None])[..., 0], prefixed(prompts, prefix))


@pytest.mark.parametrize("name", ["unlearndiffatk", "p4d", "ring_a_bell"])
def test_a_success_that_nobody_can_type_is_none(target, monkeypatch, name):
    """Here nothing that is written can be: another prompt is read, which draws nothing of the concept."""
    nothing = target.model.shared.ids[target.model.null].expand(2, -1)
    monkeypatch.setattr(type(target), "typed", lambda self, tokens: nothing)
    torch.manual_seed(0)
    assert not ATTACKS[name].successes(target).any()
