"""SAUCE: its autoencoder, its features, and any others in their place."""

import pytest
import torch
from intervention_problem import DICTIONARY, LAYER, PROJECTOR, patches, sauce, seen_images, sets_of, trials
from safetensors.torch import load_file

from unlearn_cli.methods.vlm import sauce as sauce_module
from unlearn_cli.methods.vlm.random_features import RandomFeatures
from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder, save_autoencoder
from unlearn_cli.sae.edit import Edit, SparseEdit
from unlearn_cli.sae.scores import Tally
from unlearn_cli.storage.store import Store


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
    finding = tiny.trainer_in(tiny.folder / "later", derived_once=trainer.derived_once)
    method.autoencoder(model, LAYER, tiny.sets, finding)
    assert len(made) == 4
    assert finding.history  # what a run tells does not hang on which of them has made it
    assert finding.history == trainer.history[: len(finding.history)]
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
