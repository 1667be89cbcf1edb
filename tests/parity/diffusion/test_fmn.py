"""FMN (Zhang et al., CVPR Workshops 2024): the norm of attention, at its program's positions."""

import pytest
import torch

from parity.diffusion.attention import with_attention
from parity.diffusion.small import RECIPE, assert_same, captions, predicted, tokens, trained_names
from unlearn_cli.methods.diffusion.fmn import ForgetMeNot


def repeated(small, positions, norm):
    start = small.model()
    model, attention = with_attention(small.model())
    (dotted,) = tokens(model, ["dotted"])[0, 1:2]
    (end,) = tokens(model, ["dotted"])[0, 2:3]

    def loss(model, rows, number):
        texts = captions(rows)
        x, t, _ = small.noised(rows)
        attention.probabilities.clear()
        predicted(model, x, t, texts)
        sizes = []
        for place, ids in enumerate(tokens(model, texts)):
            here = ids == dotted
            if positions == "words_and_ends":
                here = here | (ids == end)
            if positions == "onwards":
                here[int(here.nonzero()[0]) :] = True
            layers = [layer[place][:, :, here] for layer in attention.probabilities]
            if norm == "all":
                sizes.append(torch.cat([layer.flatten() for layer in layers]).norm())
            else:
                sizes.append(torch.stack([layer.norm() for layer in layers]).sum())
        return torch.stack(sizes).mean()

    return small.trained(model, trained_names(start, "attn2"), loss), start


@pytest.mark.parametrize("positions", ["words", "words_and_ends", "onwards"])
@pytest.mark.parametrize("norm", ["layer", "all"])
def test_the_norm_of_attention(small, positions, norm):
    method = ForgetMeNot(**RECIPE | {"parameters": "attn2", "positions": positions, "norm": norm})
    found = small.unlearned(method)
    assert_same(found, *repeated(small, positions, norm))


def test_the_release_has_one_image_a_step(small):
    """Then its norm over the batch is the mean over the images of ours."""
    recipe = RECIPE | {"parameters": "attn2", "batch_size": 1, "epochs": 1}
    found = small.unlearned(ForgetMeNot(**recipe | {"positions": "words_and_ends", "norm": "all"}))
    assert [len(rows) for rows in small.steps] == [1] * 4
    assert_same(found, *repeated(small, "words_and_ends", "all"))
