"""ESD (Gandikota et al., ICCV 2023, Eq. 6) and the authors' program of 2025."""

from copy import deepcopy

import pytest
import torch

from parity.diffusion.small import (
    RECIPE,
    SAMPLER,
    assert_same,
    captions,
    predicted,
    trained_names,
    underway,
)
from unlearn_cli.methods.diffusion.esd import ESD


def esd(eta, erase, erase_from):
    values = {"eta": eta, "erase": erase, "erase_from": erase_from, "sampler": SAMPLER}
    return ESD(**RECIPE | {"batch_size": 2, "epochs": 1, "parameters": "attn2"} | values)


def repeated(small, target):
    """The steps with (original, x, t, caption) -> (what the model is asked for, where it shall go)."""
    start = small.model()
    original = deepcopy(start)

    def loss(model, rows, number):
        texts = captions(rows)
        asked, x, t, wanted = target(original, texts)
        return (predicted(model, x, t, asked) - wanted).square().mean()

    return small.trained(small.model(), trained_names(start, "attn2"), loss), start


def turned(original, x, t, concept, eta, begin):
    with torch.no_grad():
        e_c, e_0, e_b = (predicted(original, x, t, texts) for texts in (concept, [""] * len(x), begin))
    return e_b - eta * (e_c - e_0)


@pytest.mark.parametrize("erase", ["prompt", "concept"])
def test_the_paper(small, erase):
    """Its target begins at the prediction without a prompt."""
    found = small.unlearned(esd(1.3, erase, "nothing"))

    def target(original, texts):
        concept = texts if erase == "prompt" else ["dotted"] * len(texts)
        x, t = underway(original, concept)
        return concept, x, t, turned(original, x, t, concept, 1.3, [""] * len(x))

    assert_same(found, *repeated(small, target))


@pytest.mark.parametrize("erase", ["prompt", "concept"])
def test_erase_from(small, erase):
    """x_t is drawn for the caption, which is asked for and where the target begins."""
    found = small.unlearned(esd(2.3, erase, "prompt"))
    assert small.passes[0] >= 3 * 4  # of the original for each row, and what draws the states

    def target(original, texts):
        concept = texts if erase == "prompt" else ["dotted"] * len(texts)
        x, t = underway(original, texts)
        return texts, x, t, turned(original, x, t, concept, 2.3, texts)

    assert_same(found, *repeated(small, target))


def test_the_releases_negative_guidance_is_the_papers_plus_one(small):
    """Without `erase_from`, the release's target begins at the concept's prediction."""
    found = small.unlearned(esd(1.3, "concept", "nothing"))

    def target(original, texts):
        concept = ["dotted"] * len(texts)
        x, t = underway(original, concept)
        return concept, x, t, turned(original, x, t, concept, 2.3, concept)

    assert_same(found, *repeated(small, target))
