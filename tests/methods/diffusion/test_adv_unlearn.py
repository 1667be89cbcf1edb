"""AdvUnlearn: where the prefix stands, that it is the adversary's, the two terms, and what moves."""

import pytest
import torch
from tiny_diffusion import Recorder
from tiny_text import ADAM, SAMPLER, TinyText, moved

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.adv_unlearn import AdvUnlearn, behind

SETTINGS = {"eta": 1.5, "weight": 0.5, "prefix": 1, "inner_steps": 2, "inner_lr": 1e-2, "sampler": SAMPLER}
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


def test_both_terms_by_hand(tiny):
    """A random prefix that is not improved, against the same draws."""
    original, student = tiny.model(), tiny.model(seed=2)
    batch = tiny.batch(tiny.sets.train)
    concept, retain = batch.select(batch.forget), batch.select(~batch.forget)
    method = adversarial(inner_steps=0)
    recorder = Recorder(tiny.trainer)
    method.unlearn(tiny.task, student, tiny.sets, recorder)
    teacher = tiny.model(seed=2)  # the original is the model that was handed over
    with torch.no_grad():
        for p, q in zip(student.parameters(), original.parameters(), strict=True):
            p.copy_(q)
    torch.manual_seed(4)
    terms = recorder.objective(student, batch)

    torch.manual_seed(4)
    x, t = tiny.task.underway(teacher, concept, tiny.sampler, tiny.trainer)
    with torch.no_grad():
        tokens = tiny.task.token_embeddings(student, concept.y)
        prefix = method.random_tokens(student, tokens)
        conditional = teacher(x, t, concept.y)
        free = teacher(x, t, torch.full_like(concept.y, teacher.null))
        target = conditional - 1.5 * (conditional - free)
        forget = (student(x, t, student.embed_soft(behind(prefix, tokens))) - target).square().mean()
        z, t, _ = tiny.task.noised(student, retain)
        kept = (student(z, t, retain.y) - teacher(z, t, retain.y)).square().mean()
    torch.testing.assert_close(terms["forget"].detach(), forget)
    torch.testing.assert_close(terms["retain"].detach(), 0.5 * kept)
    assert kept > 0


def test_the_prefix_brings_the_concept_back(tiny, monkeypatch):
    """The descent lowers the distance to the original's prediction: seen at eta 0, whose target that is."""
    model = tiny.model()
    plain, attacked = (objective(tiny, model, eta=0.0, inner_steps=steps, inner_lr=0.05) for steps in (0, 20))
    batch = tiny.batch(tiny.sets.train)
    losses = []
    for run in (plain, attacked):
        torch.manual_seed(1)
        losses.append(run(model, batch)["forget"].item())
    assert losses[1] < 0.8 * losses[0]


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
