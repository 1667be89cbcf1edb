"""CoCoOp: the context is shifted by h(f), two layers of the image's embedding (Zhou et al., CVPR 2022)."""

import torch

from parity.clip.adapters import trains_as
from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.cocoop import CoCoOp, Conditional


def test_steps_of_context_and_network(tiny):
    """The network is a sixteenth as wide as the embeddings, at least one; here of 8 dimensions."""

    def loss(model, rows, number):
        clip, adapter = model.clip, model.adapter
        tokens = model.tokenizer([f"a photo of a {name}." for name in tiny.data.classes])
        inner, outer = adapter.meta[0], adapter.meta[2]
        assert inner.weight.shape == (1, 8)
        assert adapter.text.contexts.shape == (1, 4, 16)
        logits = []
        for f in images(clip, pixels(tiny, rows)):
            shift = outer.weight @ (inner.weight @ f + inner.bias).clamp(min=0) + outer.bias
            own = texts(clip, tokens, [adapter.text.contexts[0] + shift])
            logits.append(clip.logit_scale.exp() * own @ f)
        return both(tiny, torch.stack(logits), rows)

    method = CoCoOp(**RECIPE, forget_loss="uniform_ce", context=4, words="a photo of a")
    trains_as(tiny, method, loss)
    wider = Conditional(method.adapter(tiny.model()).text, 64)
    assert wider.meta[0].weight.shape == (4, 64)
