"""UCE (Gandikota et al., WACV 2024): its program's closed form, matrix by matrix."""

import torch

from parity.diffusion.small import embedded, tokens
from unlearn_cli.methods.diffusion.uce import UCE

ERASE, PRESERVE, RIDGE = 1.3, 0.7, 0.4
SCALES = {"erase_scale": ERASE, "preserve_scale": PRESERVE, "ridge": RIDGE}


def last(model, text):
    """(D,): the embedding of the text's last token before its end; of no text the start's."""
    with torch.no_grad():
        found = embedded(model, [text])[0].double()
    end = int(tokens(model, ["dotted"])[0, 2])
    return found[int((tokens(model, [text])[0] == end).nonzero()[0]) - 1]


def assert_edited(found, start, pairs, kept):
    """W' = (λW + e·Σ W g cᵀ + p·Σ W k kᵀ)(λI + e·Σ c cᵀ + p·Σ k kᵀ)⁻¹ for each to_k and to_v."""
    seen = 0
    for name, w in start.named_parameters():
        if not ("attn2.to_k" in name or "attn2.to_v" in name):
            assert torch.equal(found.get_parameter(name), w)
            continue
        w = w.detach().double()
        left, right = RIDGE * w, RIDGE * torch.eye(w.shape[1], dtype=torch.double)
        for c, g in pairs:
            left = left + ERASE * torch.outer(w @ g, c)
            right = right + ERASE * torch.outer(c, c)
        for k in kept:
            left = left + PRESERVE * torch.outer(w @ k, k)
            right = right + PRESERVE * torch.outer(k, k)
        expected = left @ right.inverse()
        assert (expected - w).norm() > 1e-2 * w.norm()
        torch.testing.assert_close(found.get_parameter(name), expected.float(), atol=1e-5, rtol=1e-5)
        seen += 1
    assert seen == 14


def test_the_release_an_empty_guide_and_a_list_to_preserve(small):
    """Also expanded by templates, as for a style."""
    templates, kept = ("{}", "wall {}"), ("red plain", "blue")
    method = UCE(
        **SCALES, positions="last", templates=templates, guide="empty", preserve=0, preserve_concepts=kept
    )
    found, start = small.unlearned(method), small.model()
    pairs = [
        (last(start, "dotted"), last(start, "")),
        (last(start, "wall dotted"), last(start, "wall")),
    ]
    assert_edited(found, start, pairs, [last(start, text) for text in kept])


def test_the_release_with_a_guide(small):
    method = UCE(
        **SCALES, positions="last", templates=("{}",), guide="anchor", preserve=0, preserve_concepts=("red",)
    )
    found, start = small.unlearned(method), small.model()
    assert_edited(found, start, [(last(start, "dotted"), last(start, "plain"))], [last(start, "red")])


def test_onwards_edits_all_that_knows_of_the_concept_and_keeps_captions(small):
    """Ours: every token from the concept on; kept are all tokens of retained captions and of texts."""
    more = {"guide": "empty", "preserve": 9, "preserve_concepts": ("blue",)}
    found = small.unlearned(UCE(**SCALES, positions="onwards", templates=("red {}",), **more))
    start = small.model()
    with torch.no_grad():
        c, g, one, other, blue = embedded(
            start, ["red dotted", "red", "red plain wall", "blue plain wall", "blue"]
        ).double()
    pairs = list(zip(c[2:], g[2:], strict=True))
    assert_edited(found, start, pairs, [*one, *other, *blue])
