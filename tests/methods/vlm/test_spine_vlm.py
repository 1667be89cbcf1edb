"""The methods that know nothing of words, on a vision-language model, through its task's verbs alone."""

import pytest
import torch
from tiny_vlm import ADAM, TinyProblem

from unlearn_cli.methods.erasediff import EraseDiff
from unlearn_cli.methods.ft import FineTune
from unlearn_cli.methods.ga import GradientAscent
from unlearn_cli.methods.l1_sparse import L1Sparse
from unlearn_cli.methods.neggrad_plus import NegGradPlus
from unlearn_cli.methods.rl import RandomLabel
from unlearn_cli.methods.saliency import saliency, threshold
from unlearn_cli.methods.salun import SalUn
from unlearn_cli.methods.scrub import Scrub
from unlearn_cli.training.mask import Mask

STEPS = ADAM | {"epochs": 6, "lr": 3e-3}
LABELS = {"alpha": 1.0, "exclude_true": True, "order": "paired"}
BILEVEL = {"weight": None, "barrier": "square", "eta": 0.5, "inner_steps": 1, "inner_lr": 1e-3}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


@torch.no_grad()
def loss(tiny, model, rows):
    return float(tiny.task.loss(model, tiny.batch(rows)).mean())


def differences(tiny, method):
    """What the method adds to the losses of the forget and the retain set; the model."""
    model = tiny.model()
    before = [loss(tiny, model, part) for part in (tiny.sets.forget, tiny.sets.retain)]
    model = method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    after = [loss(tiny, model, part) for part in (tiny.sets.forget, tiny.sets.retain)]
    return after[0] - before[0], after[1] - before[1], model


@pytest.mark.parametrize(
    "method",
    [FineTune(**STEPS), L1Sparse(**STEPS, gamma=1e-5, gamma_decay="linear")],
    ids=["ft", "l1_sparse"],
)
def test_what_is_kept_is_rehearsed(tiny, method):
    assert differences(tiny, method)[1] < -0.2


def test_ascent_loses_what_is_forgotten(tiny):
    assert differences(tiny, GradientAscent(**STEPS))[0] > 0.2


@pytest.mark.parametrize(
    "method",
    [
        NegGradPlus(**STEPS, beta=0.5, order="paired"),
        RandomLabel(**STEPS, **LABELS),
        EraseDiff(**STEPS, **BILEVEL),
        Scrub(**STEPS, passes="alternate", msteps=4, alpha=0.5, gamma=1.0, temperature=2.0),
    ],
    ids=["neggrad_plus", "rl", "erasediff", "scrub"],
)
def test_the_two_sets_part(tiny, method):
    forget, retain, _ = differences(tiny, method)
    assert retain < -0.1
    assert forget > retain + 0.05


def test_random_labels_answer_the_same_question_otherwise(tiny):
    colours = tiny.asking("colour", tiny.sets.forget)
    batch = tiny.batch(colours)
    other = tiny.task.other_answers(tiny.model(), batch.y)
    assert {tiny.data.classes[number] for number in other} == {"what colour is it ? → blue"}
    model = differences(tiny, RandomLabel(**STEPS | {"epochs": 15}, **LABELS))[2]
    with torch.no_grad():
        right, wrong = tiny.task.loss(model, batch), tiny.task.wrong_loss(model, batch)
    assert (wrong < right).all()


def test_salun_moves_salient_weights_alone(tiny):
    before = tiny.model()
    scores = saliency(tiny.task, before, tiny.sets.forget, tiny.trainer, batch_size=4)
    free = threshold(scores, 0.3)
    tiny.trainer.mask = Mask(free)
    after = SalUn(**STEPS, **LABELS).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    moved = {name: p != before.get_parameter(name) for name, p in after.named_parameters()}
    assert any(part.any() for part in moved.values())
    assert all((free[name] | ~part).all() for name, part in moved.items() if name in free)
    assert all(not part.any() for name, part in moved.items() if name not in free)  # without a gradient


@pytest.mark.parametrize(
    "verb", ["loss", "likelihoods", "wrong_loss", "refusal_loss", "refusal_likelihoods", "likelihoods_unseen"]
)
def test_what_trains_is_the_models_forward(tiny, verb):
    """Else several processes would not share their gradients, and drift apart."""
    model, calls = tiny.model(), []
    with model.register_forward_hook(lambda *arguments: calls.append(verb)):
        getattr(tiny.task, verb)(model, tiny.batch(tiny.sets.forget))
    assert calls == [verb]


def test_an_original_is_trained_through_the_models_forward(tiny):
    model, calls = tiny.model(), []
    objective = tiny.task.pretraining(tiny.data, tiny.sets.train)
    with model.register_forward_hook(lambda *arguments: calls.append("")):
        objective(model, tiny.batch(tiny.sets.train))
    assert len(calls) == 1
