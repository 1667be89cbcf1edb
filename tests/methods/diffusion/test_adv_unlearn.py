"""AdvUnlearn: where the prefix stands, that it is the adversary's, the two terms, and what moves."""

import pytest
import torch
from tiny_diffusion import Recorder
from tiny_text import ADAM, SAMPLER, TinyText, moved

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.adv_unlearn import AdvUnlearn, behind

SETTINGS = {
    "eta": 1.5,
    "erase": "prompt",
    "weight": 0.5,
    "prefix": 1,
    "inner_steps": 2,
    "inner_lr": 1e-2,
    "sampler": SAMPLER,
}
TEXT = "^text_encoder"


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def adversarial(**changes):
    return AdvUnlearn(**ADAM | SETTINGS | {"parameters": TEXT} | changes)


def objective(tiny, model, **changes):
    recorder = Recorder(tiny.trainer)
    adversarial(**changes).unlearn(tiny.task, model, tiny.sets, recorder)
    return recorder.objective


def test_the_prefix_stands_behind_the_start():
    tokens = torch.arange(5.0).view(1, 5, 1)
    found = behind(torch.tensor([[[8.0], [9.0]]]), tokens)
    assert found.flatten().tolist() == [0, 8, 9, 1, 2]


def test_token_embeddings_are_the_text_encoders_input(tiny):
    model, prompts = tiny.model(), torch.tensor([3, 0])
    with torch.no_grad():
        soft = model.embed_soft(tiny.task.token_embeddings(model, prompts))
        torch.testing.assert_close(soft, model.conditioning(prompts))


def test_the_prefix_brings_the_concept_back(tiny):
    """The search lowers the distance to the original's prediction, at states that it has not seen."""
    model, original = tiny.model(seed=2), tiny.model()
    concept = tiny.batch(tiny.sets.forget)
    tokens = tiny.task.token_embeddings(model, concept.y).detach()
    distances = []
    for steps in (0, 30):
        torch.manual_seed(1)
        method = adversarial(inner_steps=steps, inner_lr=0.05)
        prefix = method.worst_prefix(tiny.task, model, original, concept, tokens, tiny.trainer)
        torch.manual_seed(2)
        x, t = torch.randn(4, 12, 4, 4), torch.full((4,), 39)
        with torch.no_grad():
            found = model(x, t, model.embed_soft(behind(prefix, tokens)))
            distances.append((found - original(x, t, concept.y)).square().mean().item())
    assert distances[1] < distances[0]


def test_the_adversary_leaves_no_gradient_behind(tiny):
    model = tiny.model()
    terms = objective(tiny, model)(model, tiny.batch(tiny.sets.train))
    assert all(p.grad is None for p in model.parameters())
    assert all(term.requires_grad for term in terms.values())


def test_only_the_text_encoder_moves(tiny):
    start, model = tiny.model(), tiny.model()
    after = adversarial().unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    changed = moved(start, after)
    assert changed
    assert all(name.startswith("text_encoder.") for name in changed)


def test_without_label_drop_there_is_nothing_to_steer_by(tiny):
    with pytest.raises(InputError, match=r"^method: .* set model.label_drop=0.1$"):
        adversarial().check(tiny.task, tiny.model(label_drop=0.0), tiny.data, tiny.sets)
    adversarial().check(tiny.task, tiny.model(), tiny.data, tiny.sets)
