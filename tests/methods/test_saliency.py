"""The saliency mask: exact fractions, one ranking over all tensors, scores that are made once."""

import pytest
import torch
from tiny_diffusion import TinyDiffusion

from unlearn_cli.errors import InputError
from unlearn_cli.methods.saliency import NoMask, SaliencyMask, saliency, threshold
from unlearn_cli.storage.store import Store

SETTINGS = {
    "fraction": 0.5,
    "mode": "hard",
    "batch_size": 3,
    "clip_norm": None,
    "guidance": None,
    "parameters": None,
}


def count(free):
    return sum(int(part.sum()) for part in free.values())


def test_the_largest_of_all_tensors_together_are_free():
    scores = {"a": torch.tensor([[0.1, 0.9], [0.3, 0.2]]), "b": torch.tensor([0.8, 0.7, 0.0])}
    free = threshold(scores, 3 / 7)
    assert free["a"].tolist() == [[False, True], [False, False]]
    assert free["b"].tolist() == [True, True, False]


@pytest.mark.parametrize("fraction", [0.001, 0.1, 0.3, 0.5, 0.999, 1.0])
def test_the_fraction_is_exact(fraction):
    torch.manual_seed(0)
    scores = {"a": torch.rand(31, 7), "b": torch.rand(100), "c": torch.rand(1)}
    free = threshold(scores, fraction)
    assert count(free) == round(fraction * 318)
    kept = torch.cat([scores[name][part] for name, part in free.items()])
    left = torch.cat([scores[name][~part] for name, part in free.items()])
    assert not len(kept) or not len(left) or kept.min() > left.max()


def test_ties_are_broken_by_position():
    scores = {"a": torch.zeros(4), "b": torch.tensor([1.0, 0.0, 0.0])}
    assert threshold(scores, 3 / 7)["a"].tolist() == [True, True, False, False]
    assert threshold(scores, 3 / 7)["b"].tolist() == [True, False, False]
    assert count(threshold({"a": torch.zeros(1000)}, 0.5)) == 500


def test_masks_of_growing_fractions_hold_each_other():
    torch.manual_seed(0)
    scores = {"a": torch.rand(50).round(decimals=1)}
    small, large = threshold(scores, 0.2)["a"], threshold(scores, 0.6)["a"]
    assert (small <= large).all()


def test_scores_are_the_gradient_of_the_summed_loss(problem):
    """|Σ_i ∇_θ ℓ|: signs cancel before the absolute value; any batch size gives the same."""
    model = problem.model(hidden=5)
    rows = problem.sets.forget
    expected = torch.autograd.grad(
        problem.task.loss(model, problem.batch(rows)).sum(), list(model.parameters())
    )
    for batch_size in (1, 3, 100):
        scores = saliency(problem.task, model, rows, problem.trainer, batch_size)
        assert list(scores) == ["features.weight", "head.weight"]
        for score, gradient in zip(scores.values(), expected, strict=True):
            torch.testing.assert_close(score, gradient.abs())
    assert all(p.grad is None for p in model.parameters())


def test_scores_of_a_linear_model_by_hand(problem):
    model = problem.model()
    scores = saliency(problem.task, model, problem.sets.forget, problem.trainer, 2)
    expected = problem.gradient(model.head.weight, problem.sets.forget) * len(problem.sets.forget)
    torch.testing.assert_close(scores["head.weight"], expected.abs())


def test_scores_are_made_once_for_all_fractions(problem, monkeypatch):
    store, facts, model = Store(problem.folder / "store"), {"model": "m", "forget": "f"}, problem.model()

    def build(**changes):
        settings = SaliencyMask(**SETTINGS | changes)
        return settings.build(problem.task, model, problem.sets, problem.trainer, store, facts)

    masks = [build()]
    monkeypatch.setattr("unlearn_cli.methods.saliency.saliency", lambda *_: pytest.fail("made again"))
    masks += [build(fraction=0.25), build(mode="grad_only"), build(batch_size=7)]
    assert [mask.fraction() for mask in masks] == [0.5, 0.25, 0.5, 0.5]
    assert masks[2].mode == "grad_only"
    assert masks[3].tensors.keys() == masks[0].tensors.keys()
    assert all(mask.seconds > 0 for mask in masks)  # what the scores cost is kept with them
    assert len(list((problem.folder / "store" / "saliency").glob("*/entry.json"))) == 1


def test_other_facts_are_other_scores(problem):
    store, model = Store(problem.folder / "store"), problem.model()
    for forget in ("f", "g"):
        SaliencyMask(**SETTINGS).build(
            problem.task, model, problem.sets, problem.trainer, store, {"model": "m", "forget": forget}
        )
    assert len(list((problem.folder / "store" / "saliency").glob("*/entry.json"))) == 2


def test_clipped_scores_over_two_batches_by_hand(problem):
    """The mean gradient of rows 0 and 1 and that of rows 2 and 3, each no longer than 1."""
    model, rows = problem.model(), problem.sets.forget
    parts = [problem.gradient(model.head.weight.detach(), part) for part in (rows[:2], rows[2:])]
    assert min(part.norm() for part in parts) < 1 < max(part.norm() for part in parts)
    expected = sum(part * min(1.0, 1 / float(part.norm())) for part in parts)
    scores = saliency(problem.task, model, rows, problem.trainer, 2, clip_norm=1.0)
    torch.testing.assert_close(scores["head.weight"], expected.abs(), rtol=1e-4, atol=1e-6)


def entries(problem):
    return len(list((problem.folder / "store" / "saliency").glob("*/entry.json")))


def test_what_moves_the_scores_makes_others(problem):
    store, model = Store(problem.folder / "store"), problem.model()

    def build(**changes):
        settings = SaliencyMask(**SETTINGS | changes)
        settings.build(problem.task, model, problem.sets, problem.trainer, store, {"model": "m"})
        return entries(problem)

    assert build() == 1
    assert build(clip_norm=1.0) == 2
    assert build(clip_norm=2.0) == 3
    assert build(clip_norm=2.0, fraction=0.1, mode="grad_only") == 3
    assert build(clip_norm=2.0, batch_size=2) == 4  # where batches are clipped


def test_a_random_loss_makes_the_batch_size_count(tmp_path):
    facts = [SaliencyMask(**SETTINGS | {"batch_size": n}).facts(TinyDiffusion(tmp_path).task) for n in (2, 3)]
    assert facts[0] != facts[1]


@pytest.mark.parametrize("guidance", [None, 0.0, 2.0])
def test_scores_of_a_diffusion_model(tmp_path, guidance):
    """Noise of each batch's own, the same again next time; guided by the null class's prediction.

    The plain loss is a mean over a sample's elements, the guided one their sum.
    """
    tiny = TinyDiffusion(tmp_path)
    model, rows = tiny.model(), tiny.sets.forget
    scores = saliency(tiny.task, model, rows, tiny.trainer, 2, None, guidance)
    torch.manual_seed(7)
    again = saliency(tiny.task, model, rows, tiny.trainer, 2, None, guidance)
    assert all(torch.equal(scores[name], again[name]) for name in scores)

    for number, part in enumerate((rows[:2], rows[2:])):
        batch = tiny.batch(part)
        tiny.trainer.seeded("saliency", number)
        x, t, noise = tiny.task.noised(model, batch)
        output, null = model(x, t, batch.y), torch.full_like(batch.y, 3)
        w = guidance or 0.0
        output = (1 + w) * output - w * model(x, t, null)
        errors = (output - noise).square().flatten(1)
        (errors.mean(1) if guidance is None else errors.sum(1)).sum().backward()
    atol = 1e-6 * (1 if guidance is None else errors.shape[1])  # a sum is so many means
    for name, p in model.named_parameters():
        torch.testing.assert_close(scores[name], p.grad.abs(), rtol=1e-3, atol=atol)


def test_guidance_is_refused_where_there_is_none(problem, tmp_path):
    tiny, guided = TinyDiffusion(tmp_path / "tiny"), SaliencyMask(**SETTINGS | {"guidance": 2.0})
    with pytest.raises(InputError, match=r"^mask\.guidance: task=classification has no guided loss"):
        guided.check(problem.task, problem.model(), None)
    with pytest.raises(
        InputError, match=r"^mask\.guidance: guidance needs a model trained with label drop; set"
    ):
        guided.check(tiny.task, tiny.model(label_drop=0.0), None)
    guided.check(tiny.task, tiny.model(), None)
    SaliencyMask(**SETTINGS | {"guidance": 0.0}).check(tiny.task, tiny.model(label_drop=0.0), None)
    SaliencyMask(**SETTINGS).check(problem.task, problem.model(), None)
    with pytest.raises(InputError, match=r"^mask\.parameters: no parameter's name holds 'nothing'"):
        SaliencyMask(**SETTINGS | {"parameters": "nothing"}).check(problem.task, problem.model(), None)
    NoMask().check(problem.task, problem.model(), None)


def test_no_mask(problem):
    store = Store(problem.folder / "store")
    assert NoMask().build(problem.task, problem.model(), problem.sets, problem.trainer, store, {}) is None
