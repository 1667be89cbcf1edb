"""SAUCE: x + s·W_d (z' − z) for the concept's features, re-derived (after Geng et al., ICCV 2025)."""

import pytest
import torch
from safetensors.torch import load_file

from parity.vlm.edits import DICTIONARY, SPARSE, assert_edited, patches, seen_images
from unlearn_cli.experiment import checked
from unlearn_cli.methods.vlm.random_features import RandomFeatures
from unlearn_cli.methods.vlm.sauce import Sauce
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, save_autoencoder

GAMMA, K, THRESHOLD, SCALE = -1.7, 3, 0.21, 0.83
VALUES = SPARSE | {"k": [K], "gamma": [GAMMA]}


@pytest.fixture
def tensors(tiny):
    """Of a made-up autoencoder that keeps what is above a threshold, saved as one that was trained."""
    torch.manual_seed(3)
    sae = SparseAutoencoder(16, Dictionary(**DICTIONARY))
    with torch.no_grad():
        x = patches(tiny, tiny.model(), range(12)).flatten(0, 1)
        sae.mean.copy_(x.mean(0))
        sae.scale.fill_(SCALE)
        sae.bias.copy_(torch.randn(16) / 5)
        sae.encoder.bias.copy_(torch.randn(32) / 5)
        sae.threshold.fill_(THRESHOLD)
    save_autoencoder(tiny.folder / "sae", sae)
    return {name: value.clone() for name, value in sae.state_dict().items()}


def code(tensors, x):
    normal = (x - tensors["mean"]) / SCALE
    z = ((normal - tensors["bias"]) @ tensors["encoder.weight"].T + tensors["encoder.bias"]).clamp(min=0)
    return torch.where(z >= THRESHOLD, z, 0.0)


def scored(kind, on, off):
    """From codes (n, m) of the concept's tokens and of others."""
    plus, minus = on.double().mean(0), off.double().mean(0)
    return {
        "mean": plus,
        "diff": plus - minus,
        "prop_diff": plus / plus.sum() - minus / minus.sum(),
        "ratio": plus / (minus + minus.mean()),
        "freq_diff": (on > 0).double().mean(0) - (off > 0).double().mean(0),
    }[kind]


def unlearned(tiny, kind, **changes):
    values = VALUES | {"pretrained": str(tiny.folder / "sae")} | changes
    return checked(kind, values, "method").unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)


@pytest.mark.parametrize("score", ["mean", "diff", "prop_diff", "ratio", "freq_diff"])
@pytest.mark.parametrize("mode", ["scale", "clamp"])
def test_the_features_of_the_largest_score_are_scaled_or_clamped(tiny, tensors, score, mode):
    on, off = (
        code(tensors, patches(tiny, tiny.model(), images)).flatten(0, 1) for images in seen_images(tiny)
    )
    chosen = scored(score, on, off).argsort(descending=True)[:K]
    level = on.mean(0)[chosen]

    def change(x):
        z = code(tensors, x)[..., chosen]
        wanted = GAMMA * (z if mode == "scale" else level.expand_as(z))
        moved = torch.where(z > 0, wanted - z, 0.0)
        return SCALE * moved @ tensors["decoder.weight"][:, chosen].T

    assert_edited(tiny, unlearned(tiny, Sauce, score=score, mode=mode), change)


def test_random_features_move_as_far(tiny, tensors):
    """γ' of k features, drawn among those that fire on the concept, such that E‖x' − x‖ is SAUCE's."""
    on, off = (code(tensors, patches(tiny, tiny.model(), images)) for images in seen_images(tiny))
    own = scored("diff", on.flatten(0, 1), off.flatten(0, 1)).argsort(descending=True)[:K]
    found = unlearned(tiny, RandomFeatures, score="diff", mode="scale")
    saved = load_file(tiny.folder / "edits" / "red.safetensors")["sae.decoder.weight"]
    columns = (saved[:, :, None] == tensors["decoder.weight"][:, None]).all(0)  # which of them were drawn
    drawn = columns.nonzero()[:, 1]
    assert len(drawn) == len(set(drawn.tolist())) == K
    assert (on > 0).any(0).any(0)[drawn].all()

    def moved(z, latents, factor):
        return SCALE * ((factor - 1) * z[..., latents]) @ tensors["decoder.weight"][:, latents].T

    wanted, whole = (moved(on, *one).norm(dim=-1).mean() for one in ((own, GAMMA), (drawn, 0.0)))
    assert_edited(tiny, found, lambda x: moved(code(tensors, x), drawn, 1 - wanted / whole))
