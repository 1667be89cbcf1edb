"""CLIPErase: each term by hand, and their sum as it is trained."""

from math import e, log

import numpy as np
import pytest
import torch
from clip_checks import changed
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.methods.clip.cliperase import CLIPErase, consistency, info_nce

SETTINGS = {
    "forget_weight": 2.0,
    "retain_weight": 3.0,
    "consistency_weight": 5.0,
    "parameters": r"^clip\.visual",
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def test_info_nce_of_different_texts_is_clips_own_loss():
    similarities = torch.tensor([[1.0, 0.0], [2.0, 0.0]])
    rows = (log(e + 1) - 1) + (log(e**2 + 1) - 0)
    columns = (log(e + e**2) - 1) + (log(2) - 0)
    found = info_nce(similarities, torch.tensor([4, 2]))
    assert float(found) == pytest.approx((rows / 2 + columns / 2) / 2)


def test_equal_texts_are_positives_of_each_other():
    """Images and texts of one label that lie as near to each other as to themselves leave its log 2 alone."""
    similarities = 30.0 * torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    found = info_nce(similarities, torch.tensor([0, 0, 1]))
    assert float(found) == pytest.approx(2 / 3 * log(2), abs=1e-4)


def test_consistency_is_the_divergence_from_before():
    before, now = torch.tensor([[log(3), 0.0], [1.0, 1.0]]), torch.zeros(2, 2)
    of_first = 0.75 * log(0.75 / 0.5) + 0.25 * log(0.25 / 0.5)
    assert float(consistency(now, before)) == pytest.approx(of_first / 2)
    assert float(consistency(before + 7, before)) == pytest.approx(0, abs=1e-6)


def test_the_terms_of_a_step(tiny):
    """All rows in one step, six of either set; at the start nothing has left the original."""

    class Kept:
        def fit(self, model, feed, objective, recipe):
            self.feed, self.objective = feed, objective
            return model

    kept, model = Kept(), tiny.model()
    CLIPErase(**ADAM | SETTINGS).unlearn(tiny.task, model, tiny.sets, kept)
    (plan,) = kept.feed(0, 12, 0)
    assert sorted(plan) == list(range(12))
    batch = tiny.batch(np.arange(12))
    terms = {name: term.detach() for name, term in kept.objective(model, batch).items()}
    with torch.no_grad():
        images, texts = model.image_features(batch.x), model.class_features()[batch.y]
        cosines, scale = (images * texts).sum(1), model.clip.logit_scale.exp()
        similarities = scale * images[6:] @ texts[6:].T
    assert float(terms["forget"]) == pytest.approx(2 * float(cosines[:6].mean()), abs=1e-6)
    assert float(terms["retain"]) == pytest.approx(3 * float(info_nce(similarities, batch.y[6:])), rel=1e-5)
    assert float(terms["consistency"]) == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        model.visual.proj.mul_(-1)
        moved = -similarities
    expected = 5 * float(consistency(moved, similarities))
    assert expected > 0.01
    assert float(kept.objective(model, batch)["consistency"].detach()) == pytest.approx(expected, rel=1e-4)


def test_forgotten_pairs_come_apart(tiny):
    before = tiny.model()
    after = CLIPErase(**ADAM | SETTINGS | {"epochs": 10}).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    batch = tiny.batch(np.arange(12))
    with torch.no_grad():
        old, new = (
            (model.image_features(batch.x) * model.class_features()[batch.y]).sum(1)
            for model in (before, after)
        )
    assert float((new - old)[:6].mean()) < -0.1
    assert float((new - old)[6:].mean()) > float((new - old)[:6].mean()) + 0.1
    names = changed(before, after)
    assert names
    assert all(name.startswith("clip.visual.") for name in names)
