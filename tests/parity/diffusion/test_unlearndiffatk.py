"""UnlearnDiffAtk (Zhang et al., ECCV 2024): its program's Adam, L2 term, projection, timesteps."""

import torch

from parity.diffusion.attacked import PROMPTS, latents, may_be_written, noised_at, target_of
from parity.diffusion.small import embedded_soft, predicted, tokens
from unlearn_cli.evaluation.attacks import unlearndiffatk
from unlearn_cli.evaluation.attacks.unlearndiffatk import UnlearnDiffAtk

LR, DECAY = 0.03, 0.13


def on_simplex(row):
    """The nearest point with entries ≥ 0 that sum to 1, by bisection of what is taken off."""
    low, high = (row - 1).min().double(), row.max().double()
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (row - middle).clamp(min=0).sum() > 1 else (low, middle)
    return (row - middle).clamp(0, 1).float()


def test_the_weights_after_each_step(small, monkeypatch):
    """Two timesteps of three steps each, two tokens before each prompt."""
    found, looks, project = [], [], unlearndiffatk.on_simplex

    def noted(weights):
        project(weights)
        found.append(weights.detach().clone())

    monkeypatch.setattr(unlearndiffatk, "on_simplex", noted)
    target = target_of(small, lambda images: looks.append(len(found)))
    attack = UnlearnDiffAtk(tokens=2, timesteps=2, steps=3, lr=LR, weight_decay=DECAY)
    torch.manual_seed(4)
    attack.successes(target)
    assert looks == [3, 6]

    torch.manual_seed(4)
    model, vocabulary = target.model, may_be_written(target.model)
    table = model.text_encoder.get_input_embeddings().weight.detach()
    words = table[tokens(model, PROMPTS)]
    x = latents(target.images)
    count = len(vocabulary)
    weights = torch.full((2, 2, count), 1 / count)
    mean, square = torch.zeros_like(weights), torch.zeros_like(weights)
    expected = []
    for t in (15, 45):
        for _ in range(3):
            drawn = torch.multinomial(weights.view(-1, count), 1).view(2, 2)
            hot = torch.nn.functional.one_hot(drawn, count).float().requires_grad_()
            inputs = torch.cat([words[:, :1], hot @ table[vocabulary], words[:, 1:-3], words[:, -1:]], dim=1)
            x_t, noise = noised_at(x, torch.full((2,), t))
            output = predicted(model, x_t, torch.full((2,), t), embedded_soft(model, inputs))
            loss = (output - noise).square().flatten(1).mean(1).sum()  # each prompt is attacked on its own
            (slope,) = torch.autograd.grad(loss, hot)
            slope = slope.clamp(-1, 1) + DECAY * weights
            number = len(expected) + 1
            mean = 0.9 * mean + 0.1 * slope
            square = 0.999 * square + 0.001 * slope.square()
            move = (mean / (1 - 0.9**number)) / ((square / (1 - 0.999**number)).sqrt() + 1e-8)
            moved = weights - LR * move
            weights = torch.stack([on_simplex(row) for row in moved.view(-1, count)]).view_as(moved)
            expected.append(weights)
    assert (expected[-1] - 1 / count).abs().max() > 0.02
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
