"""Lip: synthetic images, the ratio, the layers, and when it ends."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from clip_checks import changed
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.lipschitz import Lipschitz, by_layer, perturbed, ratio

SETTINGS = {
    "images": 2,
    "ascent_steps": 10,
    "ascent_lr": 0.05,
    "noise": 0.1,
    "token_noise": 0.01,
    "draws": 1,
    "text_weight": 1.0,
    "layers": 4,
    "threshold": 0.0,
    "domain_text": "a {domain} of a {label}",
    "parameters": r"^clip\.",
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def lipschitz(**changes):
    return Lipschitz(**ADAM | SETTINGS | changes)


def ratios(tiny, model, method, images):
    """Both, on noise that is always the same."""
    torch.manual_seed(5)
    with torch.no_grad():
        found = method.ratios(model, images, model.tokens(["a photo of a circle"]))
    return [float(value) for value in found.values()]


def test_the_ratio_of_changes():
    outputs, moved = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    noise = torch.tensor([[[1.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])
    assert float(ratio(outputs, moved, noise)) == pytest.approx((5 / 1 + 1 / 2) / 2)


def test_noise_on_tokens_is_gone_afterwards(tiny):
    model = tiny.model()
    tokens = model.tokens(["a circle", "a star"])
    noise = torch.randn(*tokens.shape, 16)
    with torch.no_grad():
        before = model.encode_tokens(tokens)
        assert torch.equal(perturbed(model, tokens, 0 * noise), before)
        assert (perturbed(model, tokens, noise) - before).norm(dim=1).min() > 0.01
        assert torch.equal(model.encode_tokens(tokens), before)


def test_ascent_raises_the_logits_of_the_texts(tiny):
    method, model = lipschitz(), tiny.model()
    texts = model.text_features(["a photo of a circle", "a photo of a cross", "a photo of a star"])
    made = method.synthesised(model, texts, tiny.trainer)
    tiny.trainer.seeded("synthesis")
    noise = torch.rand(made.shape)
    with torch.no_grad():
        own = texts.repeat_interleave(2, dim=0)
        old, new = ((model.image_features(x) * own).sum(1) for x in (noise, made))
    assert made.shape == (6, 3, 8, 8)
    assert 0 <= made.min() < made.max() <= 1
    assert (new > old).all()
    again = method.synthesised(model, texts, tiny.trainer)
    assert torch.equal(made, again)


def test_no_real_image_is_used(tiny):
    """Other pixels give the same model."""
    first = lipschitz().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    tiny.data.tensor.zero_()
    second = lipschitz().unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer_in(tiny.folder / "blank"))
    assert not changed(first, second)
    assert changed(tiny.model(), first)


@pytest.mark.parametrize(("tower", "which"), [(r"^clip\.visual", 0), (r"^clip\.(?!visual)", 1)])
def test_the_ratios_fall_by_few_layers(tiny, tower, which):
    """Of images, if the image tower is trained, and of texts, if the other one is."""
    method, before = lipschitz(epochs=20, parameters=tower), tiny.model()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    images = method.synthesised(before, before.text_features(["a photo of a circle"]), tiny.trainer)
    old, new = (ratios(tiny, model, method, images) for model in (before, after))
    assert new[which] < 0.8 * old[which]
    assert new[1 - which] == old[1 - which]
    assert 0 < len(by_layer(changed(before, after))) <= 4
    assert len(tiny.trainer.history) == 20


def test_the_layers_of_the_largest_mean_gradient(tiny):
    method, model = lipschitz(layers=1, text_weight=0.0, parameters=r"^clip\.visual\.ln"), tiny.model()
    images, tokens = torch.rand(3, 3, 8, 8), model.tokens(["a circle"])
    names = method.largest(model, images, tokens, tiny.trainer)
    tiny.trainer.seeded("layers")
    method.ratios(model, images, tokens)["forget"].backward()
    slopes = {
        layer: torch.cat([model.get_parameter(n).grad.abs() for n in parts]).mean()
        for layer, parts in by_layer(method.trained_names(model)).items()
    }
    assert set(slopes) == {"clip.visual.ln_pre", "clip.visual.ln_post"}
    best = max(slopes, key=slopes.__getitem__)
    assert names == [f"{best}.weight", f"{best}.bias"]


def test_it_ends_once_the_synthetic_images_are_not_recognised(tiny):
    """Asked after every epoch: of this model some are never recognised, so that one epoch is enough for 1."""
    lipschitz(threshold=1.0, epochs=4).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert len(tiny.trainer.history) == 1


def test_whole_classes(tiny):
    sets = replace(tiny.sets, groups=np.empty(0, dtype=np.int64), classes=(1,))
    method = lipschitz()
    method.check(tiny.task, tiny.model(), tiny.data, sets)
    assert changed(tiny.model(), method.unlearn(tiny.task, tiny.model(), sets, tiny.trainer))


def test_what_does_not_fit_is_told(tiny):
    sets = replace(tiny.sets, groups=np.empty(0, dtype=np.int64))
    with pytest.raises(InputError, match=r"^forget: this method needs words"):
        lipschitz().check(tiny.task, tiny.model(), tiny.data, sets)
    with pytest.raises(InputError, match=r"^method\.layers: 3 is too many, 2 may be trained$"):
        lipschitz(layers=3, parameters=r"visual\.ln").check(tiny.task, tiny.model(), tiny.data, tiny.sets)
