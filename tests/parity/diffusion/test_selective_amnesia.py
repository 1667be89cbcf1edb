"""SA (Heng & Soh, NeurIPS 2023, Eq. 6): surrogate, replay, and the Fisher penalty from single draws."""

import pytest
import torch
from tiny_diffusion import TinyDiffusion

from parity.diffusion.small import LAST, RECIPE, SAMPLER, assert_same, levels, sgd
from unlearn_cli.methods.diffusion.selective_amnesia import SelectiveAmnesia

GAMMA, LAMBDA = 0.6, 30.0
POOL, SAMPLES = 4, 6


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """A problem of three classes, 0 to be forgotten, whose draws are known."""
    tiny = TinyDiffusion(tmp_path)

    def draw(self, model, labels, sampler, trainer, stage):
        generator = torch.Generator().manual_seed(len(labels))
        return torch.randint(256, (len(labels), 1, 4, 4), generator=generator, dtype=torch.uint8)

    monkeypatch.setattr(type(tiny.task), "draw", draw)
    steps, prepared = [], tiny.trainer._for_step

    def noted(*arguments):
        batch, weight = prepared(*arguments)
        steps.append(batch.index)
        return batch, weight

    tiny.trainer._for_step = noted
    return tiny, steps


def drawn(count):
    generator = torch.Generator().manual_seed(count)
    return torch.randint(256, (count, 1, 4, 4), generator=generator, dtype=torch.uint8).float() / 255


def errors(model, images, labels):
    """‖ε − ε_θ(x_t, t, c)‖², the mean over a sample's elements, (B,)."""
    half = torch.randint(LAST, ((len(images) + 1) // 2,))
    t = torch.cat([half, LAST - 1 - half])[: len(images)]
    noise = torch.randn(images.shape)
    signal, spread = levels(t)
    x = signal * (2 * images - 1) + spread * noise
    return (model.unet(x, t, class_labels=labels).sample - noise).square().mean((1, 2, 3))


def test_two_steps_of_the_paper(drawing):
    tiny, steps = drawing
    values = {
        "gamma": GAMMA,
        "weight": LAMBDA,
        "replay": POOL,
        "fisher_samples": SAMPLES,
        "surrogate": "noise",
    }
    recipe = RECIPE | {"batch_size": 8, "epochs": 2, "lr": 0.13}
    method = SelectiveAmnesia(**recipe | values | {"sampler": SAMPLER})
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)

    start, model = tiny.model(), tiny.model()
    parameters = list(model.parameters())
    tiny.trainer.seeded("fisher")
    fisher = [torch.zeros_like(p) for p in parameters]
    images, labels = drawn(SAMPLES), torch.arange(SAMPLES) % 3
    for place in range(SAMPLES):
        loss = errors(model, images[place : place + 1], labels[place : place + 1]).sum()
        for total, slope in zip(fisher, torch.autograd.grad(loss, parameters), strict=True):
            total += slope.square() / SAMPLES
    optimizer, pool = sgd(parameters), drawn(POOL)
    for number, rows in enumerate(steps):
        tiny.trainer.seeded("unlearn", number)
        labels = rows % 3
        forget = labels == 0
        replayed = torch.randint(POOL, (int((~forget).sum()),))
        images = torch.rand(len(rows), 1, 4, 4)
        images[~forget], labels[~forget] = pool[replayed], torch.tensor([1, 2, 1, 2])[replayed]
        losses = errors(model, images, labels)
        penalty = sum(
            (f * (p - q.detach()).square()).sum()
            for f, p, q in zip(fisher, parameters, start.parameters(), strict=True)
        )
        optimizer.zero_grad()
        (losses[forget].mean() + GAMMA * losses[~forget].mean() + LAMBDA * penalty).backward()
        optimizer.step()
    assert len(steps) == 4
    assert_same(found, model, start)
