"""CoCoOp: the context is shifted by h(f), two layers of the image's embedding (Zhou et al., CVPR 2022)."""

import torch

from parity.clip.adapters import trains_as
from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.cocoop import CoCoOp


def test_steps_of_context_and_network(tiny):
    """The network is a sixteenth as wide as the embeddings, at least one; here of 8 dimensions."""

    def loss(model, rows, number):
        clip, adapter = model.clip, model.adapter
        tokens = model.tokenizer([f"a photo of a {name}." for name in tiny.data.classes])
        inner, outer = adapter.meta[0], adapter.meta[2]
        assert inner.weight.shape == (1, 8)
        logits = []
        for f in images(clip, pixels(tiny, rows)):
            shift = outer.weight @ (inner.weight @ f + inner.bias).clamp(min=0) + outer.bias
            own = texts(clip, tokens, [adapter.text.contexts[0] + shift])
            logits.append(clip.logit_scale.exp() * own @ f)
        return both(tiny, torch.stack(logits), rows)

    trains_as(tiny, CoCoOp(**RECIPE, forget_loss="uniform_ce", context=4, words="a photo of a"), loss)
