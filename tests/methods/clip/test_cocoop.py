"""CoCoOp: CoOp's context, shifted by each image's embedding."""

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip import cocoop
from unlearn_cli.methods.clip.cocoop import CoCoOp
from unlearn_cli.models.clip.prompts import Prompted

SETTINGS = ADAM | {"epochs": 15, "lr": 0.1, "forget_loss": "uniform_ce", "context": 4, "words": None}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def test_it_forgets_by_context_and_network_alone(tiny):
    before, method = tiny.model(), CoCoOp(**SETTINGS)
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == set()
    layers = {f"adapter.meta.{layer}.{kind}" for layer in (0, 2) for kind in ("weight", "bias")}
    assert survives_a_delta(tiny, method, before, after) == {"adapter.text.contexts", *layers}


@torch.no_grad()
def test_a_network_that_gives_nothing_leaves_coop(tiny):
    model = tiny.model()
    model.adapter = adapter = CoCoOp(**SETTINGS).adapter(model)
    batch = tiny.batch(tiny.sets.train)
    before = model(batch.x)
    for parameter in adapter.meta[2].parameters():
        parameter.zero_()
    found = model(batch.x)
    model.adapter = Prompted(text=adapter.text)
    torch.testing.assert_close(found, model(batch.x))
    assert not torch.allclose(before, found, atol=1e-3)


@torch.no_grad()
def test_each_image_has_texts_of_its_own(tiny, monkeypatch):
    """t_c of an image is CoOp's with v + h(f), however many texts are encoded at once."""
    model = tiny.model()
    adapter = CoCoOp(**SETTINGS).adapter(model)
    images = model.image_features(tiny.batch(tiny.sets.train[:4]).x)
    found = adapter.texts(model, images)
    assert found.shape == (4, 3, 8)
    own, text = adapter.text.contexts.clone(), adapter.text
    for image, texts in zip(images, found, strict=True):
        hidden = (adapter.meta[0].weight @ image + adapter.meta[0].bias).clamp(min=0)
        text.contexts.copy_(own + adapter.meta[2].weight @ hidden + adapter.meta[2].bias)
        torch.testing.assert_close(texts, text.encode(model))
    text.contexts.copy_(own)
    monkeypatch.setattr(cocoop, "TEXTS", 7)  # two images at once
    torch.testing.assert_close(adapter.texts(model, images), found)


def test_a_context_too_long_is_refused(tiny):
    method = CoCoOp(**SETTINGS | {"context": 9})
    with pytest.raises(InputError, match=r"^method\.context: 9 tokens and the name 'circle' do not fit"):
        method.check(tiny.task, tiny.model(), tiny.data, tiny.sets)
