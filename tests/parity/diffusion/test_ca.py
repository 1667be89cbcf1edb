"""CA (Kumari et al., ICCV 2023): the paper's loss, and the program's detached start token and clipping."""

import pytest
import torch

from parity.diffusion.attention import with_attention
from parity.diffusion.small import (
    KEYS_AND_VALUES,
    RECIPE,
    anchors,
    assert_same,
    captions,
    is_forgotten,
    predicted,
    trained_names,
)
from unlearn_cli.methods.diffusion.ca import ConceptAblation

W, CLIP = 0.4, 0.3


@pytest.mark.parametrize("target", ["model", "noise"])
@pytest.mark.parametrize("detach_start", [False, True])
def test_three_terms_of_a_step(small, target, detach_start):
    """Without label drop, so that every retained image is denoised under its own prompt."""
    values = {"target": target, "weight": W, "detach_start": detach_start, "clip_norm": CLIP}
    method = ConceptAblation(**RECIPE | {"parameters": KEYS_AND_VALUES} | values)
    found = small.unlearned(method, label_drop=0.0)
    assert small.passes == [8 if target == "model" else 0, 0]  # two anchors in each of four steps

    def loss(model, rows, number):
        forget = is_forgotten(rows)
        concept, retained = rows[forget], rows[~forget]
        z, t, noise = small.noised(anchors(concept))
        with torch.no_grad():
            wanted = predicted(model, z, t, captions(anchors(concept))) if target == "model" else noise
        ablated = (predicted(model, z, t, captions(concept)) - wanted).square().mean()
        z, t, noise = small.noised(retained)
        return ablated + W * (predicted(model, z, t, captions(retained)) - noise).square().mean()

    start = small.model(label_drop=0.0)
    model, _ = with_attention(small.model(label_drop=0.0), detach_start)
    names = trained_names(start, "attn2.to_k") + trained_names(start, "attn2.to_v")
    names = [name for name, _ in start.named_parameters() if name in names]
    assert_same(found, small.trained(model, names, loss, CLIP), start)
