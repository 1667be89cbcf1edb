"""SA: surrogate and replay in place of real images, Fisher information and penalty by hand."""

import numpy as np
import pytest
import torch
from tiny_diffusion import ADAM, SAMPLER, Recorder, TinyDiffusion
from tiny_text import TinyText, moved

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.anchored import Anchored
from unlearn_cli.methods.diffusion.selective_amnesia import SelectiveAmnesia
from unlearn_cli.tasks.classification import Classification

SETTINGS = {"gamma": 0.5, "weight": 3.0, "replay": 6, "fisher_samples": 6, "surrogate": "noise"}


@pytest.fixture
def tiny(tmp_path):
    return TinyDiffusion(tmp_path)


@pytest.fixture
def text(tmp_path):
    return TinyText(tmp_path)


def amnesia(**changes):
    return SelectiveAmnesia(**ADAM | SETTINGS | {"sampler": SAMPLER} | changes)


def test_the_pool_holds_retained_classes_alone_and_evenly(tiny):
    pool = amnesia().drawn(tiny.task, tiny.model(), tiny.sets.retain, 6, tiny.trainer, "replay")
    assert pool.y.tolist() == [1, 2, 1, 2, 1, 2]
    assert pool.x.shape == (6, 1, 4, 4)
    images = tiny.task.draw(tiny.model(), pool.y, tiny.sampler, tiny.trainer, stage="again")
    assert torch.equal(pool.x, images / 255)


def test_a_step_sees_noise_and_the_pool(tiny):
    method, batch = amnesia(), tiny.batch(tiny.sets.train)
    pool = method.drawn(tiny.task, tiny.model(), tiny.sets.retain, 6, tiny.trainer, "replay")
    torch.manual_seed(0)
    made = method.with_surrogates(batch, pool)
    assert torch.equal(made.y[batch.forget], batch.y[batch.forget])
    assert torch.equal(made.forget, batch.forget)
    assert (made.index == -1).all()  # rows of the data, remembered by their number, show something else
    noise = made.x[batch.forget]
    assert noise.unique().numel() == noise.numel()
    assert 0 <= noise.min() < 0.1 < 0.9 < noise.max() < 1
    known = {(int(y), tuple(x.flatten().tolist())) for x, y in zip(pool.x, pool.y, strict=True)}
    replayed = zip(made.x[~batch.forget], made.y[~batch.forget], strict=True)
    assert {(int(y), tuple(x.flatten().tolist())) for x, y in replayed} <= known


def test_terms_are_means_of_either_part(tiny, monkeypatch):
    recorder, model, batch = Recorder(tiny.trainer), tiny.model(), tiny.batch(tiny.sets.train)
    amnesia().unlearn(tiny.task, model, tiny.sets, recorder)
    dropping = []

    def loss(self, model, batch, drop=True):
        dropping.append(drop)
        return torch.arange(12.0)

    monkeypatch.setattr(type(tiny.task), "loss", loss)
    terms = recorder.objective(model, batch)
    assert dropping == [False]  # or the prediction without a class would learn the noise
    assert terms["forget"].item() == (0 + 3 + 6 + 9) / 4
    assert terms["retain"].item() == 0.5 * (1 + 2 + 4 + 5 + 7 + 8 + 10 + 11) / 8


def test_no_real_image_is_used(tiny, tmp_path):
    other = TinyDiffusion(tmp_path / "other", seed=9)
    models = [amnesia().unlearn(w.task, w.model(), w.sets, w.trainer) for w in (tiny, other)]
    start = tiny.model()
    assert any(not torch.equal(p, start.get_parameter(name)) for name, p in models[0].named_parameters())
    for name, p in models[0].named_parameters():
        assert torch.equal(p, models[1].get_parameter(name))


class Drawing(Classification):
    """Classification that "draws" the same images for any labels."""

    def draw(self, model, labels, sampler, trainer, stage):
        return torch.arange(len(labels) * 4, dtype=torch.uint8).view(-1, 1, 2, 2) * 3


def test_fisher_is_the_mean_of_squared_gradients(problem):
    """On the linear classifier, whose loss draws nothing: against the closed form."""
    model, method = problem.model(), amnesia(fisher_samples=5)
    (fisher,) = method.fisher(Drawing(), model, problem.sets, problem.trainer)
    x = torch.arange(20).view(5, 4) * 3 / 255
    errors = (x @ model.head.weight.T).softmax(dim=1) - torch.eye(3)[[0, 1, 2, 0, 1]]
    expected = torch.einsum("nc,nd->ncd", errors, x).square().mean(dim=0)
    torch.testing.assert_close(fisher, expected.detach())
    assert (problem.trainer.cost.forwards, problem.trainer.cost.backwards) == (5, 5)


def test_fisher_of_a_unet_equals_a_loop(tiny, monkeypatch):
    def fixed(self, model, batch):
        return 2 * batch.x - 1, torch.full_like(batch.y, 7), batch.x

    monkeypatch.setattr(type(tiny.task), "noised", fixed)
    model, method = tiny.model(), amnesia()
    fisher = method.fisher(tiny.task, model, tiny.sets, tiny.trainer)
    samples = method.drawn(tiny.task, model, tiny.sets.train, 6, tiny.trainer, "fisher")
    assert sorted(samples.y.tolist()) == [0, 0, 1, 1, 2, 2]
    expected = [torch.zeros_like(p) for p in model.parameters()]
    for i in range(6):
        model.zero_grad()
        tiny.task.loss(model, samples.select(slice(i, i + 1))).sum().backward()
        for total, p in zip(expected, model.parameters(), strict=True):
            total += p.grad.square() / 6
    for found, wanted in zip(fisher, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-9)


def test_fisher_draws_the_same_noise_again(tiny):
    model, method = tiny.model(), amnesia()
    first, second = (method.fisher(tiny.task, model, tiny.sets, tiny.trainer) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_penalty_by_hand(tiny):
    recorder, model, method = Recorder(tiny.trainer), tiny.model(), amnesia()
    fisher = method.fisher(tiny.task, model, tiny.sets, tiny.trainer)
    method.unlearn(tiny.task, model, tiny.sets, recorder)
    parameters = list(model.parameters())
    assert recorder.penalty(parameters, 0.0).item() == 0
    with torch.no_grad():
        parameters[0] += 0.2
        parameters[-1] -= 0.1
    expected = 3.0 * (0.04 * fisher[0].sum() + 0.01 * fisher[-1].sum())
    assert expected > 0
    torch.testing.assert_close(recorder.penalty(parameters, 0.5).detach(), expected)


def test_guidance_needs_label_drop(tiny):
    with pytest.raises(
        InputError, match=r"^method\.sampler\.guidance: .*, or set method\.sampler\.guidance=0$"
    ):
        amnesia().check(tiny.task, tiny.model(label_drop=0.0), tiny.data, tiny.sets)
    unguided = amnesia(sampler=SAMPLER | {"guidance": 0.0})
    unguided.check(tiny.task, tiny.model(label_drop=0.0), tiny.data, tiny.sets)
    amnesia().check(tiny.task, tiny.model(), tiny.data, tiny.sets)


def test_an_anchors_images_can_be_the_surrogate(text):
    """On text-to-image, for the keys of cross-attention alone."""
    start, model = text.model(), text.model()
    method = amnesia(surrogate="anchor", parameters=r"attn2\.to_k", batch_size=4)
    after = method.unlearn(text.task, model, text.sets, text.trainer)
    assert moved(start, after) == {name for name, _ in start.named_parameters() if "attn2.to_k" in name}
    pool = method.drawn(text.task, model, text.sets.retain, 4, text.trainer, "replay")
    made = method.with_surrogates(text.batch(np.array([5, 2])), pool, Anchored(text.sets, text.trainer))
    assert torch.equal(made.x[0], text.batch(np.array([7])).x[0])
    assert made.y.tolist()[0] == 1


def test_the_fisher_and_the_penalty_are_of_what_is_trained(text):
    recorder, model = Recorder(text.trainer), text.model()
    method = amnesia(parameters=r"attn2\.to_k")
    method.unlearn(text.task, model, text.sets, recorder)
    parameters = [p for name, p in model.named_parameters() if "attn2.to_k" in name]
    fisher = method.fisher(text.task, model, text.sets, text.trainer)
    assert [f.shape for f in fisher] == [p.shape for p in parameters]
    with torch.no_grad():
        parameters[1] += 0.1
    expected = 3.0 * 0.01 * fisher[1].sum()
    assert expected > 0
    torch.testing.assert_close(recorder.penalty(parameters, 0.0).detach(), expected)


def test_an_anchor_must_be_named(tiny):
    with pytest.raises(InputError, match=r"^forget: .* use forget=concept"):
        amnesia(surrogate="anchor").check(tiny.task, tiny.model(), tiny.data, tiny.sets)
