"""BBF: contexts from a latent code, judged without gradients (Kuwana et al., NeurIPS 2024)."""

import numpy as np
import pytest
import torch

from parity.clip.towers import both, images, pixels, texts
from unlearn_cli.methods.clip import bbf
from unlearn_cli.methods.clip.bbf import BBF

SHARED, UNIQUE, CONTEXT = 3, 2, 4


@pytest.mark.parametrize("kind", ["uniform_ce", "neg_entropy"])
def test_what_is_minimised_and_by_what_search(tiny, monkeypatch, kind):
    """p_i = A [s; u_i] + p_0; A is drawn with the deviation of the token table, p_0 is its mean. One strategy
    for s and one for each u_i, which begin at 0 with the deviation sigma and are told the same losses."""
    given = {}

    def search(loss, blocks, population, iterations, sigma, trainer):
        given.update(loss=loss, blocks=blocks, numbers=(population, iterations, sigma))
        given["found"] = [loss(z) for z in codes]
        return codes[1]

    codes = np.random.default_rng(0).normal(size=(3, SHARED + CONTEXT * UNIQUE))
    monkeypatch.setattr(bbf, "evolved", search)
    settings = {"shared": SHARED, "unique": UNIQUE, "population": 5, "iterations": 7, "sigma": 0.6}
    method = BBF(forget_loss=kind, context=CONTEXT, **settings)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert [*given["blocks"]] == [SHARED] + [UNIQUE] * CONTEXT
    assert given["numbers"] == (5, 7, 0.6)

    model = tiny.model()
    clip, rows = model.clip, np.arange(12)
    table = clip.token_embedding.weight.detach()
    tiny.trainer.seeded("bbf")
    torch.randn(1, CONTEXT, table.shape[1])  # the start, which is not used
    projection = table.std() * torch.randn(table.shape[1], SHARED + UNIQUE)
    tokens = model.tokenizer([f"X X X X {name}." for name in tiny.data.classes])
    with torch.no_grad():
        features = images(clip, pixels(tiny, rows))
        contexts = [context_of(code, projection, table) for code in codes]
        for context, value in zip(contexts, given["found"], strict=True):
            logits = clip.logit_scale.exp() * features @ texts(clip, tokens, [context]).T
            assert value == pytest.approx(float(both(tiny, logits, rows, kind)), rel=1e-5)
    torch.testing.assert_close(found.adapter.text.contexts[0].detach(), contexts[1])


def context_of(code, projection, table):
    z = torch.from_numpy(code).float()
    own = [z[SHARED + UNIQUE * i : SHARED + UNIQUE * (i + 1)] for i in range(CONTEXT)]
    return torch.stack([projection @ torch.cat([z[:SHARED], u]) for u in own]) + table.mean(0)
