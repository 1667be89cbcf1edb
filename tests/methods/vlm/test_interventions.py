"""What is attached to a model in place of training it: how it is chosen, what it changes, what it leaves."""

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import yaml
from concept_erasure import LeaceFitter
from recipes import PLAIN
from safetensors.torch import load_file
from tiny_vlm import TinyProblem

from unlearn_cli.data.splits import divide, split
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.domains import harmonic
from unlearn_cli.experiment import checked
from unlearn_cli.forget.answer import Answer
from unlearn_cli.methods.vlm import sauce as sauce_module
from unlearn_cli.methods.vlm.dense_steering import DenseSteering, Erasure
from unlearn_cli.methods.vlm.intervention import front
from unlearn_cli.methods.vlm.random_features import RandomFeatures
from unlearn_cli.methods.vlm.sauce import Sauce
from unlearn_cli.methods.vlm.transfer import Transfer
from unlearn_cli.sae.attachment import Attachment, attach, hook_of
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, save_autoencoder
from unlearn_cli.sae.edit import Edit, SparseEdit
from unlearn_cli.sae.scores import Tally
from unlearn_cli.storage.run_folder import CONFIG
from unlearn_cli.storage.store import Store

DICTIONARY = {"expansion": 2, "activation": "batchtopk", "k": 4, "l1": 0.0, "dead_after": 1000}
JUDGED = {"layers": [None], "examples": 4, "negatives": 4, "reads": 2, "validated": 4, "tokens": 4}
SPARSE = PLAIN | {
    **JUDGED,
    "lr": 1e-3,
    "batch_size": 16,
    "optimizer": "adam",
    "pretrained": None,
    "dictionary": DICTIONARY,
    "train_tokens": 4,
    "buffer": 64,
    "score": "auroc",
    "pool": "tokens",
    "k": [2],
    "gamma": [-1.0],
    "mode": "scale",
}
LAYER = "model.vision_tower.encoder.layers.1"  # of three, the last of which is not read
LAST, PROJECTOR = "model.vision_tower.encoder.layers.2", "model.multi_modal_projector"
WIDE = "model.vision_tower.encoder.layers.1.mlp.fc1"


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def sauce(kind=Sauce, **changes):
    return checked(kind, SPARSE | changes, "method")


def steering(direction="difference", **changes):
    values = JUDGED | {"direction": direction, "alpha": [1.0]}
    return checked(DenseSteering, values | changes, "method")


METHODS = {
    "sauce": sauce,
    "clamped": partial(sauce, mode="clamp"),
    "topk": partial(sauce, dictionary=DICTIONARY | {"activation": "topk"}),
    "random_features": partial(sauce, RandomFeatures),
    "mean_difference": steering,
    "leace": partial(steering, "leace"),
}


def sets_of(tiny, *concepts):
    splits = split(tiny.data, 1 / 3, seed=0)
    return divide(splits, Answer(concept=list(concepts)).select(tiny.data, splits), tiny.data)


def trials(method, tiny, model, layer=LAYER):
    """All settings with their modules."""
    (concept,) = tiny.sets.concepts
    return [*method.trials(tiny.task, model, concept, layer, tiny.sets, tiny.trainer)]


def patches(tiny, model, images, layer=LAYER):
    """(n, T, d) of these images."""
    with torch.no_grad():
        return model.activations(layer, tiny.batch(3 * np.array(images)).x)


def logits(tiny, model, rows=(0, 1, 8)):
    with torch.no_grad():
        return tiny.task.first_logits(model, tiny.batch(np.array(rows)))


def detach_all(model):
    for name, layer in list(model.net.named_modules()):
        if hook := hook_of(layer):
            for place in list(hook.rules):
                Attachment(name, layer, place).remove()


def seen_images(tiny):
    """Training images of red, and of others."""
    train = tiny.asking("colour", np.sort(np.concatenate([tiny.sets.forget, tiny.sets.retain])))
    red = tiny.data.columns["answer"][train] == "red"
    return train[red] // 3, train[~red] // 3


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


def test_difference_takes_out_what_lies_along_the_means(tiny):
    model = tiny.model()
    (_, module), (_, turned) = trials(steering(alpha=[1.0, 2.0]), tiny, model)
    on, off = (patches(tiny, model, images).flatten(0, 1) for images in seen_images(tiny))
    u = torch.nn.functional.normalize(on.mean(0) - off.mean(0), dim=0)
    x = patches(tiny, model, range(12, 16))
    before = (x - off.mean(0)) @ u
    assert before.abs().mean() > 1e-2
    assert torch.allclose((x + module(x) - off.mean(0)) @ u, torch.zeros(4, 4), atol=1e-5)
    assert torch.allclose((x + turned(x) - off.mean(0)) @ u, -before, atol=1e-5)
    along = module(x) - (module(x) @ u)[..., None] * u
    assert torch.allclose(along, torch.zeros_like(x), atol=1e-5)


def test_leace_makes_the_means_of_both_coincide(tiny):
    model = tiny.model()
    ((_, module),) = trials(steering("leace"), tiny, model)
    on, off = (patches(tiny, model, images).flatten(0, 1) for images in seen_images(tiny))
    assert (on.mean(0) - off.mean(0)).norm() > 1e-2
    after = [x + module(x[None])[0] for x in (on, off)]
    assert torch.allclose(after[0].mean(0), after[1].mean(0), atol=1e-5)
    labels = torch.cat([torch.ones(len(on)), torch.zeros(len(off))])[:, None].double()
    eraser = LeaceFitter.fit(torch.cat([on, off]).double(), labels).eraser
    assert torch.allclose(torch.cat(after).double(), eraser(torch.cat([on, off]).double()), atol=1e-5)


@pytest.mark.parametrize("activation", ["batchtopk", "topk"])
@pytest.mark.parametrize("mode", ["scale", "clamp"])
def test_random_features_move_as_far_as_the_concepts_do(tiny, mode, activation):
    changes = {"k": [1, 3], "gamma": [0.0, -2.0], "mode": mode}
    changes["dictionary"] = DICTIONARY | {"activation": activation}
    model, x = tiny.model(), patches(tiny, tiny.model(), seen_images(tiny)[0])
    own = trials(sauce(**changes), tiny, model)
    control = trials(sauce(RandomFeatures, **changes), tiny, model)
    assert [settings for settings, _ in control] == [settings for settings, _ in own]
    for (_, one), (_, other) in zip(own, control, strict=True):
        lengths = [module(x).norm(dim=-1).mean() for module in (one, other)]
        assert lengths[0] > 1e-3
        assert torch.allclose(*lengths, rtol=1e-4)
        assert not torch.allclose(one(x), other(x), atol=1e-4)


def test_the_autoencoder_is_made_once_and_then_read(tiny, monkeypatch):
    made, train = [], sauce_module.train_autoencoder
    monkeypatch.setattr(
        sauce_module, "train_autoencoder", lambda *arguments: made.append(1) or train(*arguments)
    )
    trainer = tiny.trainer_in(tiny.folder / "run", derived_once=Store(tiny.folder / "store").get)
    model, method = tiny.model(), sauce()
    first = method.autoencoder(model, LAYER, tiny.sets, trainer)
    other = sauce(k=[3], gamma=[0.0], score="diff", examples=2)  # what the autoencoder does not depend on
    second = other.autoencoder(model, LAYER, sets_of(tiny, "circle"), trainer)
    assert len(made) == 1
    assert all(torch.equal(second.state_dict()[name], value) for name, value in first.state_dict().items())
    method.autoencoder(model, PROJECTOR, tiny.sets, trainer)
    sauce(lr=2e-3).autoencoder(model, LAYER, tiny.sets, trainer)
    sauce(dictionary=DICTIONARY | {"k": 5}).autoencoder(model, LAYER, tiny.sets, trainer)
    assert len(made) == 4
    assert trainer.cost.steps == 0  # its cost is told apart
    assert trainer.seconds_outside_clock["sae_seconds"] > 0


def test_an_autoencoder_reads_no_more_tokens_than_an_image_has(tiny):
    """Four."""
    found = [
        sauce(train_tokens=allowed).autoencoder(
            tiny.model(), LAYER, tiny.sets, tiny.trainer_in(tiny.folder / name)
        )
        for name, allowed in (("one", 4), ("two", 99))
    ]
    one, two = (sae.state_dict() for sae in found)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_an_autoencoder_from_elsewhere_is_taken_as_it_is(tiny):
    ours = tiny.folder / "ours"
    sae = SparseAutoencoder(16, Dictionary(**DICTIONARY))
    save_autoencoder(ours, sae)
    found = sauce(pretrained=ours).autoencoder(tiny.model(), LAYER, tiny.sets, tiny.trainer)
    assert all(torch.equal(found.state_dict()[name], value) for name, value in sae.state_dict().items())
    assert not (tiny.folder / "sae").exists()


@pytest.mark.parametrize("mode", ["scale", "clamp"])
def test_a_part_of_the_autoencoder_does_what_the_whole_does(tiny, mode):
    method, model = sauce(mode=mode), tiny.model()
    sae = method.autoencoder(model, LAYER, tiny.sets, tiny.trainer)
    x = patches(tiny, model, range(16))
    z = sae.encode(x)
    latents = (z > 0).float().mean((0, 1)).topk(3).indices
    mean = z.mean((0, 1))
    part = method.edited(sae, latents, -1.5, mean)
    chosen = torch.zeros(32, dtype=torch.bool)
    chosen[latents] = True
    edit = Edit(chosen, -1.5, 0.0) if mode == "scale" else Edit(chosen, 0.0, 0.0, -1.5 * mean)
    assert part.sae.latents == 3
    assert part(x).norm(dim=-1).mean() > 1e-3
    assert torch.allclose(part(x), SparseEdit(sae, edit)(x), atol=1e-5)
    moved = z[..., chosen] > 0
    target = -1.5 * (z if mode == "scale" else mean.expand_as(z))[..., chosen]
    by_hand = torch.where(moved, target - z[..., chosen], 0) @ sae.decoder.weight[:, chosen].T * sae.scale
    assert torch.allclose(part(x), by_hand, atol=1e-5)


def test_images_are_pooled_by_their_largest_activation(tiny):
    model, x = tiny.model(), patches(tiny, tiny.model(), range(4))
    sae = sauce().autoencoder(model, LAYER, tiny.sets, tiny.trainer)
    z = sae.encode(x)
    for pool, expected in (("tokens", z.flatten(0, 1)), ("images", z.amax(1))):
        tally: Tally = sauce(pool=pool).tally(sae, iter([x[:3], x[3:]]))
        assert int(tally.count) == len(expected)
        assert torch.allclose(tally.mean[0], expected.mean(0), atol=1e-6)


def test_the_features_that_tell_most_are_kept_with_their_images(tiny):
    sauce(k=[7]).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    found = load_file(tiny.folder / "edits" / "red.features")
    on, off = seen_images(tiny)
    assert found["rows_on"].tolist() == (3 * on).tolist()
    assert found["rows_off"].tolist() == (3 * off).tolist()
    assert found["on"].shape == (5, len(on))
    told = found["on"].mean(1) - found["off"].mean(1)
    assert told.tolist() == sorted(told.tolist(), reverse=True)


def run_of(method, kind):
    """What a run folder tells of its method."""
    values = {"_target_": f"{kind.__module__}.{kind.__qualname__}", **method.model_dump(mode="json")}
    return yaml.safe_dump({"method": values})


@pytest.mark.parametrize("name", ["sauce", "leace"])
def test_transfer_does_what_the_run_did_and_refuses_another_width(tiny, name):
    method, model = METHODS[name](), tiny.model()
    method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    (tiny.folder / CONFIG).write_text(run_of(method, type(method)))
    same = Transfer(path=tiny.folder, layer=None)
    other = tiny.model()
    same.check(tiny.task, other, tiny.data, tiny.sets)
    assert torch.equal(logits(tiny, other), logits(tiny, tiny.model()))  # the check leaves no trace
    assert torch.equal(
        logits(tiny, same.unlearn(tiny.task, other, tiny.sets, tiny.trainer)), logits(tiny, model)
    )
    projector = Transfer(path=tiny.folder, layer=PROJECTOR).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    assert hook_of(projector.net.get_submodule(PROJECTOR)) is not None
    assert hook_of(projector.net.get_submodule(LAYER)) is None
    for layer, said in (
        (WIDE, r"^method\.path: .*of length 16, the layer's have 32"),
        (f"{LAYER}x", rf"^method\.layer: the model has no '{LAYER}x'; did you mean '{LAYER}'\?"),
        (LAST, rf"^method\.layer: nothing reads what '{LAST}' puts out; leave it null"),
    ):
        with pytest.raises(InputError, match=said):
            Transfer(path=tiny.folder, layer=layer).check(tiny.task, tiny.model(), tiny.data, tiny.sets)


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
