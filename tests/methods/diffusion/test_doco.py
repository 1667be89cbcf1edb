"""DoCo: who learns when, what leaks, what is kept over a kill."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unlearn_cli.methods.diffusion.discriminator import Adversary, PatchDiscriminator, cross_entropy_towards


def latents(seed: int, count: int = 6) -> torch.Tensor:
    return torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(seed))


def discriminator(seed: int = 0) -> PatchDiscriminator:
    torch.manual_seed(seed)
    return PatchDiscriminator(3, width=8, stages=2)


def gradients(network: nn.Module) -> list[torch.Tensor]:
    return [p.grad.clone() for p in network.parameters()]


def test_the_releases_discriminator_has_the_published_shape():
    network = PatchDiscriminator(4, width=64, stages=4)
    assert network(torch.zeros(2, 4, 64, 64)).shape == (2, 1, 3, 3)
    channels = [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]
    assert channels == [64, 128, 256, 512, 1]


def test_the_models_loss_asks_for_the_anchor_and_leaves_the_discriminator_without_gradient():
    adversary = Adversary(discriminator(), 1e-3, leak=False)
    concept = latents(1).requires_grad_(True)
    loss = adversary.loss(concept, latents(2), rests=False)
    expected = F.softplus(discriminator().train()(latents(1))).mean()  # BCE towards 0
    torch.testing.assert_close(loss.detach(), expected.detach())
    loss.backward()
    assert concept.grad.abs().sum() > 0
    assert all(p.grad is None for p in adversary.network.parameters())
    assert all(p.requires_grad for p in adversary.network.parameters())


@pytest.mark.parametrize(("leak", "rests"), [(False, False), (True, False), (True, True)])
def test_the_discriminators_gradient(leak, rests, monkeypatch):
    """Its own two terms, and, with the leak, the model's; a model at rest leaks nothing."""
    adversary = Adversary(discriminator(), 1e-3, leak)
    adversary.loss(latents(1), latents(2), rests)
    found = []
    monkeypatch.setattr(adversary.optimizer, "step", lambda: found.extend(gradients(adversary.network)))
    adversary.step()

    plain = discriminator().train()
    plain(latents(1))  # the model's look moves the batch norms' statistics alone
    on_concept, on_anchor = plain(latents(1)), plain(latents(2))
    loss = F.softplus(-on_concept).mean() + F.softplus(on_anchor).mean()
    if leak and not rests:
        loss = loss + F.softplus(on_concept).mean()
    loss.backward()
    for one, other in zip(found, gradients(plain), strict=True):
        torch.testing.assert_close(one, other)


def test_it_learns_to_tell_the_two_apart_and_says_how_well():
    adversary = Adversary(discriminator(), 1e-2, leak=False)
    for _ in range(60):
        adversary.loss(latents(1) + 0.5, latents(2) - 0.5, rests=True)
        measured = adversary.step()
    assert adversary.steps == 60
    assert measured["discriminator_accuracy"] > 0.95
    assert measured["discriminator"] < 0.5


def test_it_goes_on_where_it_was():
    def stepped(adversary: Adversary, steps: range) -> None:
        for step in steps:
            adversary.loss(latents(step), latents(100 + step), rests=False)
            adversary.step()

    whole, first, second = (Adversary(discriminator(seed), 1e-2, leak=False) for seed in (0, 0, 1))
    stepped(whole, range(6))
    stepped(first, range(3))
    second.load_state_dict(first.state_dict())
    stepped(second, range(3, 6))
    assert second.steps == 6
    for one, other in zip(
        whole.network.state_dict().values(), second.network.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_told_is_the_mean_over_all_patches():
    logits = torch.tensor([[0.0, 2.0], [-1.0, 3.0]])
    torch.testing.assert_close(cross_entropy_towards(logits, 1.0), F.softplus(-logits).mean())
