"""CoOp: a learnt context; what is fixed stays; the context and the names have to fit."""

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.coop import CoOp

SETTINGS = ADAM | {"epochs": 15, "lr": 0.1, "forget_loss": "uniform_ce", "context": 4, "words": None}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def coop(**changes):
    return CoOp(**SETTINGS | changes)


def test_it_forgets_by_the_context_alone(tiny):
    before, method = tiny.model(), coop()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == set()
    x = tiny.batch(tiny.sets.train).x
    assert torch.equal(before.image_features(x), after.image_features(x))
    assert survives_a_delta(tiny, method, before, after) == {"adapter.text.contexts"}


def test_the_seed_decides(tiny):
    def contexts(folder, seed):
        trainer = tiny.trainer_in(tiny.folder / folder)
        trainer.seed = seed
        torch.manual_seed(len(folder))
        method = coop(epochs=1)
        return method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer).adapter.text.contexts

    first = contexts("a", 0)
    assert torch.equal(first, contexts("as before", 0))
    assert not torch.equal(first, contexts("b", 1))


@torch.no_grad()
def test_with_the_words_of_the_template_it_begins_as_the_original(tiny):
    model = tiny.model()
    model.template = "a fine old {}."
    expected = model.class_features()
    adapter = coop(context=3, words="a fine old").adapter(model)
    torch.testing.assert_close(adapter.texts(model, None), expected)
    torch.nn.init.zeros_(adapter.text.contexts)
    assert not torch.allclose(adapter.texts(model, None), expected)


def test_class_embeddings_are_remembered_until_something_has_changed(tiny, monkeypatch):
    model = tiny.model()
    adapter, passes = coop().adapter(model), []
    encode = model.encode_tokens
    monkeypatch.setattr(model, "encode_tokens", lambda tokens: passes.append(1) or encode(tokens))
    with torch.no_grad():
        first = adapter.texts(model, None)
        assert adapter.texts(model, None) is first
        assert len(passes) == 1
        adapter.text.contexts.add_(1)
        second = adapter.texts(model, None)
        model.text.ln_final.weight.mul_(torch.arange(16))
        third = adapter.texts(model, None)
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert adapter.texts(model, None).requires_grad  # nothing is remembered where gradients are asked for
    assert len(passes) == 4


def test_a_name_that_is_cut_off_is_refused(tiny):
    """12 tokens: the start, the context, the two of "striped circle", the full stop, the end."""
    model = tiny.model()
    model.classes = ["star", "striped_circle"]
    coop(context=7).check(tiny.task, model, tiny.data, tiny.sets)
    with pytest.raises(InputError, match=r"^method\.context: 8 tokens and the name 'striped_circle' do not"):
        coop(context=8).check(tiny.task, model, tiny.data, tiny.sets)


def test_words_must_be_as_many_as_the_context(tiny):
    model = tiny.model()
    coop(context=4, words="a photo of a").check(tiny.task, model, tiny.data, tiny.sets)
    with pytest.raises(InputError, match=r"^method\.context: 5, but method\.words='a photo of a' is 4 token"):
        coop(context=5, words="a photo of a").check(tiny.task, model, tiny.data, tiny.sets)
    with pytest.raises(InputError, match=r"is 0 token"):
        coop(words="").check(tiny.task, model, tiny.data, tiny.sets)
