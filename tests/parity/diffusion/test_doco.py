"""DoCo (Wu et al., AAAI 2025) as its program plays the game; the discriminator and the surgery by hand."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from parity.diffusion.attention import with_attention
from parity.diffusion.small import (
    KEYS_AND_VALUES,
    RECIPE,
    anchors,
    assert_same,
    captions,
    is_forgotten,
    levels,
    predicted,
    sgd,
    trained_names,
)
from unlearn_cli.methods.diffusion.discriminator import PatchDiscriminator
from unlearn_cli.methods.diffusion.doco import DoCo
from unlearn_cli.training.surgery import Surgery

WIDTH, RATE, STRENGTH, CLIP, W = 6, 3e-2, 0.8, 0.5, 1.7
DOCO = {
    "warm_up": 1,
    "discriminator_lr": RATE,
    "discriminator_width": WIDTH,
    "stages": 1,
    "retain_weight": W,
    "latest": 1.0,
}


def discriminator() -> nn.Module:
    return nn.Sequential(nn.Conv2d(12, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(WIDTH, 1, 4, 1, 1))


def clipped(gradients, norm):
    length = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * min(1.0, norm / (length + 1e-6)) for g in gradients]


@pytest.mark.parametrize(
    ("leak", "detach_start", "surgery"), [(False, False, True), (True, True, True), (False, False, False)]
)
def test_the_game_of_the_release(small, leak, detach_start, surgery):
    """One step of the discriminator alone, then three in which the model moves first, on the same batch.

    Without the surgery it is a weighed sum; with it the retain gradient is clipped, whatever its weight.
    """
    values = DOCO | {"leak": leak, "detach_start": detach_start, "parameters": KEYS_AND_VALUES}
    if surgery:
        small.trainer.surgery = Surgery(
            granularity="tensor", projection="release", strength=STRENGTH, retain_weight=0.0, clip_norm=CLIP
        )
    found = small.unlearned(DoCo(**RECIPE | values), label_drop=0.0)
    assert len(small.steps) == 4

    start, original = small.model(label_drop=0.0), small.model(label_drop=0.0)
    model, _ = with_attention(small.model(label_drop=0.0), detach_start)
    names = trained_names(start, "attn2.to_k") + trained_names(start, "attn2.to_v")
    parameters = [p for name, p in model.named_parameters() if name in names]
    optimizer = sgd(parameters)
    small.trainer.seeded("discriminator")
    judge = discriminator()
    judging = torch.optim.Adam(judge.parameters(), RATE, betas=(0.5, 0.999))
    for number, rows in enumerate(small.steps):
        small.trainer.seeded("unlearn", number)
        forget = is_forgotten(rows)
        concept, retained = rows[forget], rows[~forget]
        x, t, _ = small.noised(anchors(concept))
        signal, spread = levels(t)
        clean = (x - spread * predicted(model, x, t, captions(concept))) / signal
        with torch.no_grad():
            anchored = (x - spread * predicted(original, x, t, captions(anchors(concept)))) / signal
        judging.zero_grad()
        if number >= 1:
            z, t, noise = small.noised(retained)
            prior = (predicted(model, z, t, captions(retained)) - noise).square().mean()
            kept = torch.autograd.grad(W * prior, parameters)
            out = judge(clean)
            fooled = F.binary_cross_entropy_with_logits(out, torch.zeros_like(out))
            away = torch.autograd.grad(fooled, parameters, retain_graph=True)
            if surgery:
                kept, away = clipped(kept, CLIP), clipped(away, CLIP)
            if leak:  # what the model's loss leaves in the discriminator's gradients
                fooled.backward(inputs=list(judge.parameters()))
            for parameter, g, k in zip(parameters, away, kept, strict=True):
                cosine = (g / g.norm() * k / k.norm()).sum()
                apart = g - STRENGTH * cosine * k / k.norm() if cosine < 0 else g
                parameter.grad = apart if surgery else g + k
            optimizer.step()
        real, fake = judge(anchored), judge(clean.detach())
        loss = F.binary_cross_entropy_with_logits(real, torch.zeros_like(real))
        (loss + F.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))).backward()
        judging.step()
    assert_same(found, model, start)


def test_a_discriminator_of_three_stages():
    """Twice as wide at each; norms but at the first."""
    torch.manual_seed(0)
    found = PatchDiscriminator(12, WIDTH, 3)
    middle = [
        layer
        for before, after in ((WIDTH, 2 * WIDTH), (2 * WIDTH, 4 * WIDTH))
        for layer in (nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2))
    ]
    first, last = nn.Conv2d(12, WIDTH, 4, 2, 1), nn.Conv2d(4 * WIDTH, 1, 4, 1, 1)
    expected = nn.Sequential(first, nn.LeakyReLU(0.2), *middle, last)
    with torch.no_grad():
        for one, other in zip(expected.parameters(), found.parameters(), strict=True):
            one.copy_(other)
    x = torch.randn(3, 12, 32, 32)
    torch.testing.assert_close(found(x), expected(x), rtol=1e-5, atol=1e-5)
