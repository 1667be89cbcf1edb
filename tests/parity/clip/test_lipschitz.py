"""Lip: synthetic images by ascent, then E‖g(x) − g(x + ε)‖/‖ε‖ (Kravets & Namboodiri, WACV 2025)."""

import copy

import torch

from parity.clip.towers import images, texts
from parity.steps import RECIPE, assert_same, repeated, watched
from unlearn_cli.methods.clip.lipschitz import Lipschitz

NOISE, TOKEN_NOISE, WEIGHT, DRAWS, RATE = 0.6, 0.9, 0.7, 2, 0.3
OWN = {"images": 2, "ascent_steps": 3, "ascent_lr": 0.03, "noise": NOISE, "token_noise": TOKEN_NOISE}
OWN |= {"draws": DRAWS, "text_weight": WEIGHT, "layers": 3, "threshold": 0.0}


def ratio(before, after, noise):
    return torch.stack(
        [(a - b).norm() / e.norm() for a, b, e in zip(before, after, noise, strict=True)]
    ).mean()


def noisy_texts(clip, tokens, noise):
    with clip.token_embedding.register_forward_hook(lambda layer, given, found: found + noise):
        return texts(clip, tokens)


def smoothness(clip, x, tokens):
    x, tokens = x.repeat_interleave(DRAWS, 0), tokens.repeat_interleave(DRAWS, 0)
    noise = NOISE * torch.randn(x.shape)
    value = ratio(images(clip, x), images(clip, x + noise), noise)
    noise = TOKEN_NOISE * torch.randn(*tokens.shape, 16)
    return value + WEIGHT * ratio(texts(clip, tokens), noisy_texts(clip, tokens, noise), noise)


def synthetic(tiny, clip, tokens):
    """Adam's three steps up the cosine with each text, from noise, in [0, 1]."""
    tiny.trainer.seeded("synthesis")
    x = torch.rand(6, 3, 8, 8)
    first, second, rate = torch.zeros_like(x), torch.zeros_like(x), OWN["ascent_lr"]
    target = texts(clip, tokens).detach().repeat_interleave(2, 0)
    for step in range(1, 4):
        x = x.detach().requires_grad_()
        (up,) = torch.autograd.grad((images(clip, x) * target).sum(), x)
        first, second = 0.9 * first + 0.1 * up, 0.999 * second + 0.001 * up**2
        move = (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)
        x = (x.detach() + rate * move).clamp(0, 1)
    return x


def lipschitz(**changes):
    values = RECIPE | {"parameters": r"^clip\.", "lr": RATE} | OWN | changes
    return Lipschitz(**values, domain_text="a {domain} of a {label}")


def test_the_synthetic_images(tiny):
    start = tiny.model()
    tokens = start.tokenizer([f"a photo of a {name}" for name in tiny.data.classes])
    found = lipschitz().synthesised(start, texts(start.clip, tokens).detach(), tiny.trainer)
    torch.testing.assert_close(found, synthetic(tiny, start.clip, tokens), rtol=1e-5, atol=1e-5)


def test_it_ends_once_fewer_of_them_are_recognised(tiny):
    start = tiny.model()
    tokens = start.tokenizer([f"a photo of a {name}" for name in tiny.data.classes])
    x, named = synthetic(tiny, start.clip, tokens), start.tokenizer([f"a {n}" for n in tiny.data.classes])
    taken = (images(start.clip, x) @ texts(start.clip, named).T).argmax(1)
    share = float((taken == torch.arange(3).repeat_interleave(2)).float().mean())
    assert share > 0
    for threshold, epochs in ((share, 2), (share + 1e-4, 1)):
        trainer = tiny.trainer_in(tiny.folder / str(epochs))
        lipschitz(lr=1e-12, threshold=threshold).unlearn(tiny.task, tiny.model(), tiny.sets, trainer)
        assert {row["epoch"] for row in trainer.history} == {*range(1, epochs + 1)}


def test_steps_of_the_steepest_layers(tiny):
    start = tiny.model()
    tokens = start.tokenizer([f"a photo of a {name}" for name in tiny.data.classes])
    x = synthetic(tiny, start.clip, tokens)
    tiny.trainer.seeded("layers")
    named = dict(start.named_parameters())
    slopes = torch.autograd.grad(smoothness(start.clip, x, tokens), [*named.values()], allow_unused=True)
    layers: dict[str, list] = {}
    for name, slope in zip(named, slopes, strict=True):
        flat = torch.zeros(named[name].numel()) if slope is None else slope.flatten()
        layers.setdefault(name.rpartition(".")[0], []).append((name, flat.abs()))
    steep = sorted(layers, key=lambda one: float(torch.cat([s for _, s in layers[one]]).mean()))[-3:]
    names = [name for layer in steep for name, _ in layers[layer]]

    def loss(model, rows, number):
        tiny.trainer.seeded("unlearn", number)
        drawn = torch.randint(len(x), (len(rows),))
        return smoothness(model.clip, x[drawn], tokens)

    steps = watched(tiny.trainer)
    found = lipschitz().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    again = repeated(copy.deepcopy(start), names, steps["unlearn"], loss, lr=RATE)
    assert_same(found, again, start, names)
