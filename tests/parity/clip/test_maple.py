"""MaPLe: deep prompts of texts, and of images made from them (Khattak et al., CVPR 2023; its code)."""

import pytest
import torch

from parity.clip.adapters import attached, trains_as
from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.maple import MaPLe


def maple(words, context=2):
    return MaPLe(**RECIPE, forget_loss="uniform_ce", context=context, words=words, depth=2)


@pytest.mark.parametrize("words", [None, "a photo of a"])
def test_steps_of_prompts_and_couplings(tiny, words):
    """Of four words the first two are learnt, and the other two stand between them and the name."""

    def loss(model, rows, number):
        clip, contexts = model.clip, model.adapter.text.contexts
        assert len(contexts) == 2
        tokens = model.tokenizer([f"{words or 'X X'} {name}." for name in tiny.data.classes])
        prompts = [
            lambda patches, layer=layer, context=context: context @ layer.weight.T + layer.bias
            for layer, context in zip(model.adapter.coupling, contexts, strict=True)
        ]
        features = images(clip, pixels(tiny, rows), prompts)
        return both(tiny, clip.logit_scale.exp() * features @ texts(clip, tokens, contexts).T, rows)

    trains_as(tiny, maple(words), loss)


@pytest.mark.parametrize("context", [1, 2, 4])
@torch.no_grad()
def test_at_the_start_no_word_is_lost(tiny, context):
    """At the first block the texts are those of "a photo of a …", however few of its tokens are learnt."""
    model = attached(tiny, maple("a photo of a", context))
    tokens = model.tokenizer([f"a photo of a {name}." for name in tiny.data.classes])
    assert torch.equal(model.adapter.text.names, tokens)
    first = model.adapter.text.contexts[:1]
    torch.testing.assert_close(texts(model.clip, tokens, first), texts(model.clip, tokens))
