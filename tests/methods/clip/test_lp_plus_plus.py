"""LP++: a classifier of image embeddings that are computed once."""

from dataclasses import replace

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.methods.clip.embedded import Embeddings, embedded
from unlearn_cli.methods.clip.lp_plus_plus import Blending, LPPlusPlus

SETTINGS = ADAM | {
    "epochs": 40,
    "lr": 0.5,
    "optimizer": "sgd",
    "batch_size": 100,
    "forget_loss": "uniform_ce",
    "prototypes": 1.0,
    "alpha_every": 10,
    "alpha_gradient": "last",
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def begun(tiny):
    """With the classifier that it starts from."""
    method = LPPlusPlus(**SETTINGS | {"lr": 1e-9, "epochs": 1})
    return method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer_in(tiny.folder / "start"))


def test_it_forgets_by_the_classifier_alone(tiny):
    before, method = tiny.model(), LPPlusPlus(**SETTINGS)
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, begun(tiny), after)
    assert changed(before, after) == set()
    assert survives_a_delta(tiny, method, before, after) == {"adapter.w", "adapter.bias", "adapter.alpha"}
    assert tiny.trainer.cost.steps == 40  # one full batch an epoch
    assert tiny.trainer.data is tiny.data


def test_images_pass_through_the_tower_once(tiny, monkeypatch):
    model, seen = tiny.model(), []
    encode = model.image_features
    monkeypatch.setattr(model, "image_features", lambda x: seen.append(len(x)) or encode(x))
    LPPlusPlus(**SETTINGS).unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    assert sum(seen) == 12


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


def test_a_class_without_images_begins_at_nothing(tiny):
    rows = tiny.sets.retain[[0, 2, 3]]  # classes 0, 2, 0
    sets = replace(tiny.sets, retain=rows)
    method = LPPlusPlus(**SETTINGS | {"lr": 1e-20, "epochs": 1})
    found = method.unlearn(tiny.task, tiny.model(), sets, tiny.trainer).adapter
    assert found.w[1].abs().max() < 1e-6
    assert found.alpha.isfinite().all()


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(tiny, monkeypatch):
    """α's gradients so far are in the checkpoint."""

    def unlearned(folder):
        method = LPPlusPlus(**SETTINGS | {"alpha_gradient": "release"})
        trainer = tiny.trainer_in(tiny.folder / folder, checkpoint_minutes=0)
        return method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer)

    whole, step, steps = unlearned("whole"), Blending.step, []

    def interrupted(self):
        steps.append(1)
        if len(steps) == 14:
            raise KeyboardInterrupt
        return step(self)

    monkeypatch.setattr(Blending, "step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        unlearned("halves")
    monkeypatch.undo()
    assert not changed(whole, unlearned("halves"))
