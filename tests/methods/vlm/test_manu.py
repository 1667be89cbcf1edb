"""MANU: its importance by hand, and which neurons fall silent."""

import copy
import math

import pytest
import torch

from unlearn_cli.methods.vlm.manu import MANU, mlps
from unlearn_cli.models.delta import load_delta, save_delta
from unlearn_cli.training.mask import Mask

SETTINGS = {"fraction": 0.1, "threshold": 0.01, "samples": 100}


def silent(model):
    """Neurons with nothing but zeros on their way in and out, of each MLP."""
    found = []
    for mlp in mlps(model).values():
        ways = [(mlp.last.weight == 0).all(0)]
        ways += [(layer.weight == 0).all(1) for layer in mlp.entries.values()]
        assert all(torch.equal(way, ways[0]) for way in ways)
        found.append(ways[0])
    return torch.cat(found)


def test_the_mlps_of_both_towers_are_found(tiny):
    names = list(mlps(tiny.model()))
    assert len(names) == 3 + 2
    assert sum("vision_tower" in name for name in names) == 3
    assert sum("language_model" in name for name in names) == 2


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.333])
def test_so_many_neurons_fall_silent(tiny, fraction):
    model = MANU(**SETTINGS | {"fraction": fraction}).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    gone = silent(model)
    assert len(gone) == 5 * 32
    assert int(gone.sum()) == math.ceil(fraction * 160)


def test_it_is_those_of_the_largest_score_and_nothing_else_changes(tiny):
    method, before = MANU(**SETTINGS), tiny.model()
    layers = mlps(before)
    forget, retain = (
        method.importance(tiny.task, before, layers, rows, tiny.trainer)
        for rows in (tiny.sets.forget, tiny.sets.retain)
    )
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    gone, scores = silent(after), forget / (retain + 1e-6)
    assert scores[gone].min() > scores[~gone].max()
    for name, parameter in after.named_parameters():
        same = parameter == before.get_parameter(name)
        assert same.all() or ".mlp." in name
        assert ((parameter == 0) | same).all()


def test_a_silent_neuron_writes_nothing(tiny):
    model = MANU(**SETTINGS).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    activity = MANU(**SETTINGS).activity(
        tiny.task.likelihoods, model, mlps(model), tiny.sets.train, tiny.trainer
    )
    gone = silent(model)
    assert (activity[:, gone] == 0).all()
    assert (activity[0, ~gone] > 0).all()


def test_activity_by_hand(tiny):
    """Of the language model's first MLP, on two questions of unlike length: padding counts for nothing."""
    model, method = tiny.model(), MANU(**SETTINGS)
    rows = tiny.sets.train[:2]
    layers = mlps(model)
    name = next(name for name in layers if "language_model" in name)
    seen = []
    for row in rows:  # one by one: no padding
        with layers[name].last.register_forward_pre_hook(lambda module, args: seen.append(args[0][0])):
            tiny.task.likelihoods(model, tiny.batch(rows[rows == row]))
    a = torch.cat(seen).detach().double().abs()
    found = method.activity(tiny.task.likelihoods, model, {name: layers[name]}, rows, tiny.trainer)
    expected = [a.mean(0), (a > 0.01).double().mean(0), a.var(0, unbiased=False), a.square().mean(0)]
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-9)


def test_the_tower_rests_without_an_image(tiny):
    model, method = tiny.model(), MANU(**SETTINGS)
    found = method.activity(tiny.task.likelihoods_unseen, model, mlps(model), tiny.sets.train, tiny.trainer)
    assert (found[:, :96] == 0).all()
    assert (found[0, 96:] > 0).all()


def test_importance_by_hand(tiny, monkeypatch):
    shown = torch.tensor([[3.0, 1.0], [0.5, 0.2], [4.0, 1.0], [9.0, 2.0]]).double()
    unseen = torch.tensor([[1.0, 1.0], [0.5, 0.6], [5.0, 0.0], [1.0, 6.0]]).double()
    answers = iter([shown, unseen])
    monkeypatch.setattr(MANU, "activity", lambda *arguments: next(answers))
    found = MANU(**SETTINGS).importance(tiny.task, None, {}, tiny.sets.forget, tiny.trainer)
    first = 2 / 4 + 0 + 3 + (8 / 10) ** 0.5
    second = 0 + 0.4 / 0.8 + 1 + (4 / 8) ** 0.5
    torch.testing.assert_close(found, torch.tensor([first, second]).double(), rtol=1e-4, atol=0)


def test_a_mask_holds(tiny):
    before = tiny.model()
    held = {name: torch.zeros_like(p, dtype=torch.bool) for name, p in before.named_parameters()}
    tiny.trainer.mask = Mask(held)
    after = MANU(**SETTINGS).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert not silent(after).any()


def test_it_survives_a_delta(tiny):
    before = tiny.model()
    after = MANU(**SETTINGS).unlearn(tiny.task, copy.deepcopy(before), tiny.sets, tiny.trainer)
    save_delta(tiny.folder / "delta.safetensors", after, before, {})
    restored = load_delta(copy.deepcopy(before), tiny.folder / "delta.safetensors")
    assert torch.equal(silent(restored), silent(after))
