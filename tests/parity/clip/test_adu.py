"""ADU: prompts that tell domains apart (Kawamura et al., NeurIPS 2025), by the paper and by its code."""

import pytest
import torch
import torch.nn.functional as F

from parity.clip.adapters import trains_as
from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.adu import ADU

GAMMA, LAMBDA, SCALE = 0.37, 2.3, 4.1
OWN = {"forget_loss": "uniform_ce", "mmd_on": "features", "prompts": 2, "depth": 3, "text_depth": 2}
WEIGHTS = {"domain_weight": GAMMA, "mmd_weight": LAMBDA, "head_scale": SCALE}


def normed(layer, x):
    return F.layer_norm(x, x.shape[-1:], layer.weight, layer.bias)


def instance_prompts(block, prompts, patches):
    """q = LN(P), k = v = LN(patches), u = LN(MHA + q), FFN(u) + u; heads of eight dimensions."""
    heads, attention = 2, block.attention
    queries = normed(block.norm_prompts, prompts).expand(len(patches), -1, -1)
    keys = normed(block.norm_patches, patches)
    q, k, v = (
        (x @ w.T + b).unflatten(-1, (heads, -1)).transpose(1, 2)
        for x, w, b in zip(
            (queries, keys, keys),
            attention.in_proj_weight.chunk(3),
            attention.in_proj_bias.chunk(3),
            strict=True,
        )
    )
    seen = ((q @ k.transpose(-1, -2)) / q.shape[-1] ** 0.5).softmax(-1) @ v
    out = seen.transpose(1, 2).flatten(2) @ attention.out_proj.weight.T + attention.out_proj.bias
    u = normed(block.norm, out + queries)
    hidden = u @ block.widen.weight.T + block.widen.bias
    return (hidden * torch.sigmoid(1.702 * hidden)) @ block.narrow.weight.T + block.narrow.bias + u


def distance(a, b):
    """MMD² by a Gaussian kernel as wide as the median of the distances between the two."""
    apart = [[(x - y).norm() for y in b] for x in a]
    sigma = torch.tensor(sorted(float(d) for row in apart for d in row)[(len(a) * len(b) - 1) // 2])

    def mean(one, other):
        each = [torch.exp(-((x - y) ** 2).sum() / (2 * sigma**2)) for x in one for y in other]
        return torch.stack(each).mean()

    return mean(a, a) + mean(b, b) - 2 * mean(a, b)


@pytest.mark.parametrize("kind", ["uniform_ce", "neg_entropy"])
@pytest.mark.parametrize("mmd_on", ["features", "domain_logits"])
@pytest.mark.parametrize("text_prompts", [0, 2])
def test_steps_of_all_parts(tiny, kind, mmd_on, text_prompts):
    def loss(model, rows, number):
        clip, adapter = model.clip, model.adapter
        tokens = adapter.visual.tokens
        prompts = [lambda patches, p=p: p for p in tokens]
        prompts[1] = lambda patches: instance_prompts(adapter.visual.generator, tokens[1], patches)
        f = images(clip, pixels(tiny, rows), prompts)
        words = f"{'X ' * text_prompts}{{}}." if text_prompts else "a {}"
        names = model.tokenizer([words.format(name) for name in tiny.data.classes])
        contexts = adapter.text.contexts if text_prompts else ()
        assert len(contexts) == (OWN["text_depth"] if text_prompts else 0)
        t = texts(clip, names, contexts)
        domain = torch.from_numpy(rows // 6)
        told = SCALE * f @ adapter.head.weight.T + adapter.head.bias
        x = f if mmd_on == "features" else told
        value = both(tiny, clip.logit_scale.exp() * f @ t.T, rows, kind)
        value = value + GAMMA * -told.log_softmax(1)[torch.arange(len(rows)), domain].mean()
        parts = [x[domain == d] for d in (0, 1)]
        return value - LAMBDA * distance(*parts) if min(map(len, parts)) > 1 else value

    settings = OWN | {"forget_loss": kind, "mmd_on": mmd_on, "text_prompts": text_prompts}
    trains_as(tiny, ADU(**RECIPE | settings | WEIGHTS, instance_layer=2), loss)


def test_without_its_parts_it_is_the_baseline(tiny):
    def loss(model, rows, number):
        prompts = [lambda patches, p=p: p for p in model.adapter.visual.tokens]
        f = images(model.clip, pixels(tiny, rows), prompts)
        t = texts(model.clip, model.tokenizer([f"a {name}" for name in tiny.data.classes]))
        return both(tiny, model.clip.logit_scale.exp() * f @ t.T, rows)

    none = {"domain_weight": 0.0, "mmd_weight": 0.0, "head_scale": 1.0, "text_prompts": 0}
    trains_as(tiny, ADU(**RECIPE | OWN | none, instance_layer=None), loss)
