"""What is attached to a model in place of training it: how it is chosen, what it changes, what it leaves."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from intervention_problem import (
    DICTIONARY,
    LAST,
    LAYER,
    METHODS,
    PROJECTOR,
    WIDE,
    detach_all,
    logits,
    patches,
    sauce,
    sets_of,
    steering,
    trials,
)

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.domains import harmonic
from unlearn_cli.methods.vlm.dense_steering import DenseSteering, Erasure
from unlearn_cli.methods.vlm.intervention import front
from unlearn_cli.sae.attachment import attach, hook_of
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, save_autoencoder


def test_the_front_by_hand():
    points = [(0, 100), (50, 90), (50, 80), (40, 90), (100, 0), (100, 0)]
    found = front([{"UA": float(ua), "kept": float(kept)} for ua, kept in points])
    assert found == [True, True, False, False, True, True]


def test_the_trial_with_the_largest_harmonic_mean_is_attached(tiny, monkeypatch):
    """Not the one that forgets most, nor that with the larger mean of both."""
    measured = iter([(0.0, 100.0), (60.0, 60.0), (100.0, 30.0)])

    def scores(*_):
        ua, kept = next(measured)
        return {"UA": ua, "kept": kept, "H": harmonic(ua, kept)}

    monkeypatch.setattr(DenseSteering, "scores", scores)
    method, model = steering(alpha=[0.5, 1.0, 4.0]), tiny.model()
    made = trials(method, tiny, model)
    method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    told = json.loads((tiny.folder / "trials.json").read_text())
    assert [(one["alpha"], one["chosen"], one["front"]) for one in told] == [
        (0.5, False, True),
        (1.0, True, True),
        (4.0, False, True),
    ]
    (attached,) = [module for module in model.modules() if isinstance(module, Erasure)]
    assert torch.equal(attached.left, made[1][1].left)


def test_scores_count_rows_by_their_cells(tiny, monkeypatch):
    """Of the validation images' answers: every red one is called blue, garbage once, one shape is wrong."""
    data, rows = tiny.data, np.concatenate([tiny.sets.val, tiny.sets.val_forgotten])
    said = {row: str(data.columns["answer"][row]) for row in rows}
    red = [row for row in tiny.asking("colour", rows) if said[row] == "red"]
    said |= {red[0]: "blue", red[1]: "the the", red[0] + 1: "a"}
    monkeypatch.setattr(
        type(tiny.task), "answers", lambda self, model, trainer, rows, tokens: [said[r] for r in rows]
    )
    found = steering(validated=99).scores(tiny.task, None, tiny.sets.concepts[0], tiny.sets, tiny.trainer)
    assert found == {
        "UA": 50,
        "same_image": 50,
        "in_domain": 100,
        "cross_domain": 100,
        "kept": pytest.approx(250 / 3),
        "H": pytest.approx(harmonic(50, 250 / 3)),
    }


@pytest.mark.parametrize("name", METHODS)
def test_no_weight_changes_and_nothing_is_left_once_it_is_detached(tiny, name):
    method, original, model = METHODS[name](), tiny.model(), tiny.model()
    method.check(tiny.task, model, tiny.data, tiny.sets)
    method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    after = model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in original.state_dict().items())
    plain, edited = logits(tiny, original), logits(tiny, model)
    assert not torch.allclose(edited, plain, atol=1e-5)
    assert torch.equal(logits(tiny, method.restored(tiny.model(), tiny.folder)), edited)
    detach_all(model)
    assert torch.equal(logits(tiny, model), plain)
    assert model.state_dict().keys() == original.state_dict().keys()


@pytest.mark.parametrize("name", ["sauce", "mean_difference"])
def test_the_changes_of_several_concepts_add_up(tiny, name):
    model, sets = tiny.model(), sets_of(tiny, "red", "circle")
    METHODS[name]().unlearn(tiny.task, model, sets, tiny.trainer)
    layer = model.net.get_submodule(LAYER)
    modules = [getattr(layer, place) for place in hook_of(layer).rules]
    assert len(modules) == 2
    x = patches(tiny, model, range(12, 16))  # read before they act
    kept = []
    with layer.register_forward_hook(lambda module, given, output: kept.append(output)):
        logits(tiny, model, range(36, 48, 3))
    (output,) = (value if isinstance(value, torch.Tensor) else value[0] for value in kept)
    assert torch.allclose(output[:, 1:], x + modules[0](x) + modules[1](x), atol=1e-5)
    assert not torch.allclose(modules[0](x), modules[1](x), atol=1e-4)
    detach_all(model)
    with layer.register_forward_hook(lambda module, given, output: kept.append(output)):
        logits(tiny, model, range(36, 48, 3))
    plain = kept[1] if isinstance(kept[1], torch.Tensor) else kept[1][0]
    assert torch.equal(output[:, 0], plain[:, 0])  # the class token stays
    told = json.loads((tiny.folder / "interference.json").read_text())
    assert {concept: [*scores] for concept, scores in told.items()} == {
        "red": ["alone", "together"],
        "circle": ["alone", "together"],
    }


def test_no_layer_named_is_the_one_that_the_projector_reads(tiny):
    model = tiny.model()
    assert model.vision_layer == LAYER
    assert steering(layers=[None, PROJECTOR]).layers_of(model) == [LAYER, PROJECTOR]


def test_what_cannot_be_edited_is_refused(tiny):
    model, task, ours = tiny.model(), tiny.task, tiny.folder / "ours"
    save_autoencoder(ours, SparseAutoencoder(16, Dictionary(**DICTIONARY)))
    reads_other = f"nothing reads what '{LAST}' puts out; leave it null for '{LAYER}', or give '{PROJECTOR}'"
    cases = [
        (steering(layers=[LAYER.replace("encoder", "encodr")]), f"method.layers: .*did you mean '{LAYER}'"),
        (steering(layers=[None, LAST]), f"method.layers: {reads_other}"),
        (sauce(layers=[WIDE], pretrained=ours), f"method.pretrained: .*length 16, those of '{WIDE}' .*32"),
        (sauce(pretrained=ours, k=[33]), "method.k: 33 of 32 features; give fewer"),
        (sauce(k=[1, 33]), "method.k: 33 of 32 features; give fewer"),
    ]
    for method, said in cases:
        with pytest.raises(InputError, match=said):
            method.check(task, model, tiny.data, tiny.sets)
    sauce(k=[32]).check(task, model, tiny.data, tiny.sets)
    none = np.empty(0, dtype=np.int64)
    for changes in ({"val_forgotten": none}, {"val": none, "val_forgotten": none}):
        with pytest.raises(
            InputError, match=r"data\.val_fraction: no validation question has 'red' for its whole"
        ):
            steering().check(task, model, tiny.data, replace(tiny.sets, **changes))


def test_an_edit_of_nothing_read_is_found_out(tiny):
    """What `check` promises is what an edit there would do: nothing."""
    model = tiny.model()
    plain = logits(tiny, model)
    attach(model.net, LAST, Erasure(torch.zeros(16), torch.eye(16), torch.eye(16)), 1, "last")
    assert torch.equal(logits(tiny, model), plain)
    assert not model.reads(LAST)
    assert model.reads(LAYER)
