"""SPM (Lyu et al., CVPR 2024): its program's adapters, their first scale, and both of its losses."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from parity.diffusion.small import RECIPE, SAMPLER, assert_same, captions, embedded, predicted, sgd, underway
from unlearn_cli.methods.diffusion.spm import SPM, RankOne, random_embeddings

GUIDANCE, W = 1.3, 30.0
RATE = 9.0


class Adapted(nn.Module):
    """A layer plus b (aᵀ x), a as `nn.Linear` and LoRA have it, b zero."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer, n = layer, layer.weight[0].numel()
        self.down = nn.Parameter((2 * torch.rand(1, n) - 1) / n**0.5)
        self.up = nn.Parameter(torch.zeros(len(layer.weight), 1))

    def forward(self, x):
        if x.ndim == 4:  # a 1x1 convolution
            return self.layer(x) + torch.einsum("bchw,nc,on->bohw", x, self.down, self.up)
        return self.layer(x) + x @ self.down.T @ self.up.T


def random_like(target):
    """Gaussian directions accepted with 1 − cos, of 0.8 to 1.2 times the norm."""
    flat = target.flatten(1)
    found: list = [None] * len(flat)
    while any(one is None for one in found):
        fresh = torch.randn(flat.shape)
        chances = torch.rand(len(flat))
        for place, (one, other, chance) in enumerate(zip(fresh, flat, chances, strict=True)):
            if found[place] is None and chance < 1 - one @ other / (one.norm() * other.norm()):
                found[place] = one / one.norm()
    factors = 0.8 + 0.4 * torch.rand(len(flat), 1)
    return (torch.stack(found) * factors * flat.norm(dim=1, keepdim=True)).view_as(target)


@pytest.mark.parametrize(("neutral", "part"), [("anchor", "attn2.to_v"), ("empty", "proj_in")])
def test_four_steps_of_the_adapters(small, neutral, part):
    """They start at LoRA's scale, and are merged in the end."""
    values = {"neutral": neutral, "guidance": GUIDANCE, "weight": W, "anchors": 3, "sampler": SAMPLER}
    recipe = RECIPE | {"parameters": part, "batch_size": 2, "lr": RATE}
    found = small.unlearned(SPM(**recipe | values))

    start, original, model = small.model(), small.model(), small.model()
    small.trainer.seeded("spm")
    names = [name for name, _ in model.named_modules() if name.endswith(part)]
    for name in names:
        model.set_submodule(name, Adapted(model.get_submodule(name)))
    adapters = [model.get_submodule(name) for name in names]
    parameters = [p for one in adapters for p in (one.down, one.up)]
    optimizer = sgd(parameters, RATE)
    for number, rows in enumerate(small.steps):
        small.trainer.seeded("unlearn", number)
        texts = captions(rows)
        x, t = underway(model, texts)
        neutrals = [""] * len(rows) if neutral == "empty" else captions(rows + 2)
        with torch.no_grad():
            base, concept = predicted(original, x, t, neutrals), predicted(original, x, t, texts)
        loss = (predicted(model, x, t, texts) - (base - GUIDANCE * (concept - base))).square().mean()
        turn = torch.tensor([0, 1, 0])
        with torch.no_grad():
            r = random_like(embedded(original, texts)[turn])
            kept = predicted(original, x[turn], t[turn], r)
        loss = loss + W * F.mse_loss(predicted(model, x[turn], t[turn], r), kept)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    expected = small.model()
    for name, one in zip(names, adapters, strict=True):
        weight = expected.get_submodule(name).weight
        weight.data += (one.up @ one.down).detach().view_as(weight)
    assert len(small.steps) == 4
    assert_same(found, expected, start)


def test_the_first_scale_is_loras():
    """Kaiming's with a = √5: uniform within ±1/√n."""
    torch.manual_seed(0)
    found = RankOne(torch.zeros(4, 400)).down
    assert 0.99 / 20 < found.abs().max() <= 1 / 20
    assert found.std().item() == pytest.approx(1 / 20 / 3**0.5, rel=0.1)


def test_random_embeddings():
    """So many that the chances and norms are seen to a percent."""
    torch.manual_seed(1)
    like = torch.randn(300, 2, 3)
    torch.manual_seed(0)
    found = random_embeddings(like)
    torch.manual_seed(0)
    torch.testing.assert_close(found, random_like(like), rtol=1e-5, atol=1e-5)
