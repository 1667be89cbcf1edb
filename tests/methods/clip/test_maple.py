"""MaPLe: prompts of images are a linear image of those of texts."""

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.maple import MaPLe
from unlearn_cli.models.clip.prompts import Prompted, VisualPrompts

SETTINGS = ADAM | {
    "epochs": 15,
    "lr": 0.1,
    "forget_loss": "uniform_ce",
    "context": 2,
    "words": "a photo of a",
    "depth": 2,
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def test_it_forgets_by_prompts_and_couplings_alone(tiny):
    before, method = tiny.model(), MaPLe(**SETTINGS)
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == set()
    couplings = {f"adapter.coupling.{block}.{kind}" for block in (0, 1) for kind in ("weight", "bias")}
    assert survives_a_delta(tiny, method, before, after) == {"adapter.text.contexts", *couplings}
    x = tiny.batch(tiny.sets.train).x
    assert not torch.allclose(before.image_features(x), after.image_features(x), atol=1e-3)


@torch.no_grad()
def test_the_images_prompts_are_coupled_to_the_texts(tiny):
    model, x = tiny.model(), tiny.batch(tiny.sets.train).x
    model.adapter = adapter = MaPLe(**SETTINGS).adapter(model)
    embedding = model.text.token_embedding(model.tokens(["a photo"]))[0, 1:3]
    torch.testing.assert_close(adapter.text.contexts[0], embedding)
    found = model(x)
    visual = VisualPrompts(2, 2, 16)
    for block, layer in enumerate(adapter.coupling):
        visual.tokens[block] = adapter.text.contexts[block] @ layer.weight.T + layer.bias
    model.adapter = Prompted(visual, adapter.text)
    torch.testing.assert_close(found, model(x))
    model.adapter = Prompted(text=adapter.text)
    assert not torch.allclose(found, model(x), atol=1e-3)


def test_both_towers_need_so_many_blocks(tiny):
    with pytest.raises(InputError, match=r"^method\.depth: 3, but the model's text tower has 2 blocks"):
        MaPLe(**SETTINGS | {"depth": 3}).check(tiny.task, tiny.model(), tiny.data, tiny.sets)
    MaPLe(**SETTINGS).check(tiny.task, tiny.model(), tiny.data, tiny.sets)


def test_a_context_too_long_is_refused(tiny):
    method = MaPLe(**SETTINGS | {"context": 9, "words": None})
    with pytest.raises(InputError, match=r"^method\.context: 9 tokens and the name 'circle' do not fit"):
        method.check(tiny.task, tiny.model(), tiny.data, tiny.sets)
