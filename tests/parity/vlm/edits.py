"""A model whose layer is changed by a function of its patches, beside one that a method has edited."""

import numpy as np
import torch
from recipes import PLAIN

LAYER = "model.vision_tower.encoder.layers.1"  # of three, the last of which is not read
PROJECTOR = "model.multi_modal_projector"
JUDGED = {"layers": [None], "examples": 99, "negatives": 99, "reads": 2, "validated": 4, "tokens": 4}
DICTIONARY = {"expansion": 2, "activation": "batchtopk", "k": 4, "l1": 0.0, "dead_after": 1000}
SPARSE = PLAIN | {
    **JUDGED,
    **{"lr": 1e-3, "batch_size": 16, "optimizer": "adam", "dictionary": DICTIONARY, "train_tokens": 4},
    **{"buffer": 64, "pool": "tokens"},
}
"""Settings of any edit, and of those of an autoencoder that keeps what is above a threshold."""
LEADING = {LAYER: 1, PROJECTOR: 0}
"""Tokens before the patches: the class token."""


def patches(tiny, model, images) -> torch.Tensor:
    """(n, T, d): the layer's output without its class token."""
    seen = []
    layer = model.net.get_submodule(LAYER)
    hook = layer.register_forward_hook(lambda layer, given, output: seen.append(output.detach()))
    with torch.no_grad():
        tiny.task.first_logits(model, tiny.batch(3 * np.array(images)))
    hook.remove()
    return seen[0][:, 1:]


def answers(tiny, model) -> torch.Tensor:
    with torch.no_grad():
        return tiny.task.first_logits(model, tiny.batch(np.arange(0, 48, 5)))


def assert_edited(tiny, found, change, layer: str = LAYER, seed: int = 1) -> None:
    """The edited model answers as the original does with x + change(x) for the layer's patches x."""
    original, leading = tiny.model(seed), LEADING[layer]
    plain = answers(tiny, original)

    def changed(module, given, x):  # before transformers' own hook, which takes the hidden state
        return torch.cat([x[:, :leading], x[:, leading:] + change(x[:, leading:])], dim=1)

    original.net.get_submodule(layer).register_forward_hook(changed, prepend=True)
    torch.testing.assert_close(answers(tiny, found), answers(tiny, original), rtol=1e-5, atol=1e-5)
    assert not torch.allclose(answers(tiny, found), plain, atol=1e-4)


def seen_images(tiny):
    """Training images of red, and the others."""
    train = np.sort(np.concatenate([tiny.sets.forget, tiny.sets.retain]))
    train = train[tiny.data.columns["asks"][train] == "colour"]
    red = tiny.data.columns["answer"][train] == "red"
    return train[red] // 3, train[~red] // 3
