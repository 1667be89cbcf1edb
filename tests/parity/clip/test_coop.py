"""CoOp: a learnt context before each class' name (Zhou et al., IJCV 2022; Dassl's code)."""

import pytest
import torch

from parity.clip.adapters import trains_as
from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.coop import CoOp


@pytest.mark.parametrize("kind", ["uniform_ce", "neg_entropy"])
@pytest.mark.parametrize("words", [None, "a fine old"])
def test_steps_of_the_context(tiny, kind, words):
    def loss(model, rows, number):
        clip = model.clip
        tokens = model.tokenizer([f"{words or 'X X X'} {name}." for name in tiny.data.classes])
        features = images(clip, pixels(tiny, rows))
        logits = clip.logit_scale.exp() * features @ texts(clip, tokens, model.adapter.text.contexts).T
        return both(tiny, logits, rows, kind)

    trains_as(tiny, CoOp(**RECIPE, forget_loss=kind, context=3, words=words), loss)


@torch.no_grad()
def test_it_begins_as_the_words(tiny):
    model = tiny.model()
    adapter = CoOp(**RECIPE, forget_loss="uniform_ce", context=3, words="a fine old").adapter(model)
    plain = texts(
        model.clip, model.tokenizer(["a fine old circle.", "a fine old cross.", "a fine old star."])
    )
    torch.testing.assert_close(adapter.texts(model, None), plain, rtol=1e-5, atol=1e-6)
