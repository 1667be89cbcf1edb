"""LP++: a classifier of image embeddings that are computed once."""

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.methods.clip.embedded import Embeddings, embedded
from unlearn_cli.methods.clip.lp_plus_plus import Blended, LPPlusPlus, class_means

SETTINGS = ADAM | {
    "epochs": 50,
    "lr": 0.05,
    "batch_size": 100,
    "forget_loss": "uniform_ce",
    "prototypes": 0.1,
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def test_it_forgets_by_the_classifier_alone(tiny):
    before, method = tiny.model(), LPPlusPlus(**SETTINGS)
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == set()
    assert survives_a_delta(tiny, method, before, after) == {"adapter.w", "adapter.alpha"}
    assert tiny.trainer.cost.steps == 50  # one full batch an epoch
    assert tiny.trainer.data is tiny.data


def test_images_pass_through_the_tower_once(tiny, monkeypatch):
    model, seen = tiny.model(), []
    encode = model.image_features
    monkeypatch.setattr(model, "image_features", lambda x: seen.append(len(x)) or encode(x))
    LPPlusPlus(**SETTINGS).unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    assert sum(seen) == 12


@torch.no_grad()
def test_the_logits_by_hand(tiny):
    """w = 0 and α = 1 is the zero-shot classifier; each adds its part."""
    model, x = tiny.model(), tiny.batch(tiny.sets.train).x
    zero_shot, images = model(x), model.image_features(x)
    model.adapter = Blended(torch.zeros(3, 8))
    torch.testing.assert_close(model(x), zero_shot)
    w, alpha = torch.randn(3, 8), torch.tensor([0.5, 2.0, -1.0])
    model.adapter.w.copy_(w)
    model.adapter.alpha.copy_(alpha)
    torch.testing.assert_close(model(x), alpha * zero_shot + model.clip.logit_scale.exp() * images @ w.T)


def test_it_begins_as_the_means_of_what_is_kept(tiny):
    method = LPPlusPlus(**SETTINGS | {"lr": 1e-12, "epochs": 1, "prototypes": 2.0})
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    with torch.no_grad():
        images = tiny.model().image_features(tiny.batch(tiny.sets.retain).x)  # of classes 0 1 2 0 1 2
    torch.testing.assert_close(after.adapter.w, images[:3] + images[3:])
    torch.testing.assert_close(after.adapter.alpha, torch.ones(3))


def test_the_embeddings_stand_where_the_images_did(tiny):
    model = tiny.model()
    seen = embedded(model, tiny.sets.train[[7, 2, 10]], tiny.trainer)
    assert tiny.trainer.cost.forwards == 3
    assert tiny.trainer.cost.backwards == 0
    (batch,) = Embeddings(seen, 12).batches([tiny.sets.train[[10, 7]]], None, None)
    plain = tiny.batch(tiny.sets.train[[10, 7]])
    torch.testing.assert_close(batch.x, model.image_features(plain.x))
    for name in ("y", "index", "forget"):
        assert torch.equal(getattr(batch, name), getattr(plain, name))


def test_a_class_without_images_has_no_mean(tiny):
    batch = embedded(tiny.model(), tiny.sets.train[[0, 2, 3]], tiny.trainer)  # classes 0, 2, 0
    means = class_means(batch, 3)
    torch.testing.assert_close(means, torch.stack([batch.x[[0, 2]].mean(0), torch.zeros(8), batch.x[1]]))
