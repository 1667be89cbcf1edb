"""MANU: S = I(D_f)/(I(D_r) + ε), re-derived from descriptions (Liu et al., ACL 2025)."""

import math

import numpy as np
import pytest
import torch

from parity.vlm.answers import answer_logits
from unlearn_cli.methods.vlm.manu import MANU

TAU, EPSILON = 0.013, 1e-6


def activities(tiny, model, rows, shown):
    """(N,) Z, F, V, Q of all hidden neurons, the vision tower's first, over every token of every row."""
    layers = [
        layer for name, layer in model.net.named_modules() if name.endswith(("mlp.fc2", "mlp.down_proj"))
    ]
    seen = {layer: [torch.zeros(0, layer.in_features)] for layer in layers}
    hooks = [
        layer.register_forward_pre_hook(
            lambda layer, given: seen[layer].append(given[0].detach().flatten(0, -2))
        )
        for layer in layers
    ]
    for row in rows:
        answer_logits(tiny, model, row, shown=shown)
    for hook in hooks:
        hook.remove()
    parts = []
    for layer in layers:
        a = torch.cat(seen[layer]).double().abs()
        if not len(a):  # not run
            parts.append(torch.zeros(4, layer.in_features).double())
            continue
        parts.append(
            torch.stack([a.mean(0), (a > TAU).double().mean(0), a.var(0, correction=0), (a**2).mean(0)])
        )
    return torch.cat(parts, dim=1)


def importance(tiny, model, rows):
    (zm, fm, vm, qm), (zt, ft, vt, qt) = (activities(tiny, model, rows, shown) for shown in (True, False))
    return (
        (zm - zt).abs() / (zm + zt + EPSILON)
        + (fm - ft).abs() / (fm + ft + EPSILON)
        + (vm + vt).sqrt()
        + ((qm - qt).abs() / (qm + qt + EPSILON)).sqrt()
    )


@pytest.mark.parametrize(("fraction", "samples"), [(0.031, 99), (0.21, 3)])
def test_the_neurons_of_the_largest_score_are_silenced(tiny, fraction, samples):
    start = tiny.model()
    found = MANU(fraction=fraction, threshold=TAU, samples=samples).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    gone, kept = (
        importance(tiny, start, rows if len(rows) <= samples else rows[[0, round((len(rows) - 1) / 2), -1]])
        for rows in (np.sort(tiny.sets.forget), np.sort(tiny.sets.retain))
    )
    score = gone / (kept + EPSILON)
    silent = torch.zeros(len(score), dtype=torch.bool)
    silent[score.argsort(descending=True)[: math.ceil(fraction * len(score))]] = True
    ways = {"fc1": 0, "gate_proj": 0, "up_proj": 0, "fc2": 1, "down_proj": 1}
    place = 0
    for name, layer in start.net.named_modules():
        kind = name.rpartition(".")[2]
        if kind not in ways:
            continue
        part = silent[place : place + 32]
        place += 32 * (kind in ("fc2", "down_proj"))
        now = found.net.get_submodule(name)
        mask = ~part[:, None] if ways[kind] == 0 else ~part
        assert torch.equal(now.weight, layer.weight * mask), name
        if layer.bias is not None:
            assert torch.equal(now.bias, layer.bias * (~part if ways[kind] == 0 else 1)), name
    assert place == len(score) == 160
