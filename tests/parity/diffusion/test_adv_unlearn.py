"""AdvUnlearn (Zhang et al., NeurIPS 2024) and its inner attack, as its program has them."""

from copy import deepcopy

import pytest
import torch

from parity.diffusion.small import (
    RECIPE,
    SAMPLER,
    assert_same,
    captions,
    embedded_soft,
    is_forgotten,
    predicted,
    tokens,
    trained_names,
    underway,
)
from unlearn_cli.methods.diffusion.adv_unlearn import AdvUnlearn

ETA, W, INNER = 1.3, 0.4, 0.02


@pytest.mark.parametrize("erase", ["prompt", "concept"])
def test_two_steps_and_the_search_in_each(small, erase):
    """A state and a t of its own for each of the search's three steps of Adam; then another for the loss."""
    settings = {"eta": ETA, "erase": erase, "weight": W, "prefix": 2, "inner_steps": 3, "inner_lr": INNER}
    recipe = RECIPE | {"lr": 0.13, "epochs": 1, "parameters": "^text_encoder", "sampler": SAMPLER}
    found = small.unlearned(AdvUnlearn(**recipe | settings))
    original = small.model()

    def with_prefix(model, inputs, prefix):
        moved = torch.cat([inputs[:, :1], prefix, inputs[:, 1:-2]], dim=1)
        return embedded_soft(model, moved)

    def loss(model, rows, number):
        forget = is_forgotten(rows)
        concept = captions(rows[forget]) if erase == "prompt" else ["dotted"] * int(forget.sum())
        table = model.text_encoder.get_input_embeddings().weight
        inputs = table[tokens(model, concept)]
        prefix = table.detach()[torch.randint(len(table), (len(concept), 2))].clone().requires_grad_()
        search = torch.optim.Adam([prefix], INNER)
        for _ in range(3):
            x, t = underway(original, concept)
            with torch.no_grad():
                present = predicted(original, x, t, concept)
            output = predicted(model, x, t, with_prefix(model, inputs.detach(), prefix))
            (prefix.grad,) = torch.autograd.grad((output - present).square().mean(), prefix)
            search.step()
        x, t = underway(original, concept)
        with torch.no_grad():
            e_c, e_0 = predicted(original, x, t, concept), predicted(original, x, t, [""] * len(concept))
        output = predicted(model, x, t, with_prefix(model, inputs, prefix.detach()))
        away = (output - (e_0 - ETA * (e_c - e_0))).square().mean()
        z, t, _ = small.noised(rows[~forget])
        with torch.no_grad():
            kept = predicted(original, z, t, captions(rows[~forget]))
        return away + W * (predicted(model, z, t, captions(rows[~forget])) - kept).square().mean()

    start = small.model()
    expected = small.trained(deepcopy(start), trained_names(start, "text_encoder"), loss)
    assert_same(found, expected, start)
