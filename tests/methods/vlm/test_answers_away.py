"""GradDiff, KL-Min, NPO, SimNPO and IDK on a vision-language model (the formulas: tests/parity/vlm)."""

import math

import numpy as np
import pytest
import torch
from tiny_diffusion import Recorder
from tiny_vlm import ADAM

from unlearn_cli.methods.vlm.graddiff import GradientDifference
from unlearn_cli.methods.vlm.idk import IDK
from unlearn_cli.methods.vlm.kl_min import KLMin
from unlearn_cli.methods.vlm.npo import NPO
from unlearn_cli.methods.vlm.simnpo import SimNPO

STEPS = ADAM | {"epochs": 5, "lr": 3e-3, "batch_size": 16}
GRADDIFF = {"forget_weight": 0.5, "retain_weight": 2.0, "order": "joint"}
NPO_KL = {"beta": 0.4, "retain": "kl", "retain_weight": 1.0}
SIMNPO = {"beta": 2.5, "gamma": 0.7, "retain_weight": 0.3}
DPO = {"preference": "dpo", "beta": 0.4, "retain_weight": 0.3}


@pytest.fixture
def rows(tiny):
    """Four rows of either set."""
    return np.concatenate([tiny.sets.forget[:4], tiny.sets.retain[:4]])


def recorded(tiny, method):
    recorder = Recorder(tiny.trainer)
    method.unlearn(tiny.task, tiny.model(), tiny.sets, recorder)
    return recorder


def moved(tiny):
    """A model that is not the original."""
    model = tiny.model()
    with torch.no_grad():
        model.net.lm_head.weight += torch.linspace(-1, 1, 16)
    return model


@torch.no_grad()
def means(tiny, model, rows):
    """−log p(y|x) and its mean over tokens, of each row."""
    total, count = tiny.task.likelihoods(model, tiny.batch(rows))
    return total, total / count


@torch.no_grad()
def mean_losses(tiny, model):
    """Over the forget and the retain set."""
    return [float(means(tiny, model, part)[1].mean()) for part in (tiny.sets.forget, tiny.sets.retain)]


def test_graddiffs_order(tiny):
    sets = tiny.sets
    for rows in GradientDifference(**ADAM, **GRADDIFF).feed(sets)(0, 8, 0):
        assert np.isin(rows, sets.forget).sum() == len(rows) / 2
    alternate = recorded(tiny, GradientDifference(**ADAM, **GRADDIFF | {"order": "alternate"}))
    plan, model = alternate.feed(0, 4, 0), tiny.model()
    kinds = [np.isin(rows, sets.forget) for rows in plan]
    assert [bool(kind.all()) for kind in kinds] == [True] * 2 + [False] * 4
    assert sorted(np.concatenate(plan)) == sets.train.tolist()
    terms = [set(alternate.objective(model, tiny.batch(plan[step]))) for step in (0, -1)]
    assert terms == [{"forget"}, {"retain"}]


@pytest.mark.parametrize("retain", ["none", "nll", "kl"])
def test_npo_at_the_original_is_log_two(tiny, rows, retain):
    recorder = recorded(tiny, NPO(**ADAM, **NPO_KL | {"retain": retain}))
    terms = recorder.objective(tiny.model(), tiny.batch(rows))
    assert terms["forget"].item() == pytest.approx(2 / 0.4 * math.log(2), rel=1e-5)
    assert set(terms) == {"forget"} | ({"retain"} if retain != "none" else set())
    assert np.isin(np.concatenate(recorder.feed(0, 8, 0)), tiny.sets.forget).all() == (retain == "none")


def test_npo_asks_the_original_once(tiny):
    recorded(tiny, NPO(**ADAM, **NPO_KL))
    assert tiny.trainer.cost.forwards == len(tiny.sets.forget)
    assert tiny.trainer.cost.backwards == 0


@pytest.mark.parametrize("preference", ["nll", "dpo"])
def test_a_refusal_becomes_likelier(tiny, preference):
    before, batch = tiny.model(), tiny.batch(tiny.sets.forget)
    after = IDK(**STEPS, **DPO | {"preference": preference}).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    with torch.no_grad():
        refusals = [tiny.task.refusal_likelihoods(model, batch)[0] for model in (before, after)]
        answers = [tiny.task.likelihoods(model, batch)[0] for model in (before, after)]
    assert (refusals[1] < refusals[0]).all()
    assert ((refusals[1] - refusals[0]) < (answers[1] - answers[0])).all()


@pytest.mark.parametrize(
    "method",
    [
        GradientDifference(**STEPS, **GRADDIFF),
        GradientDifference(**STEPS, **GRADDIFF | {"order": "alternate"}),
        KLMin(**STEPS, retain_weight=1.0),
        NPO(**STEPS, **NPO_KL | {"retain": "nll"}),
        SimNPO(**STEPS, **SIMNPO | {"retain_weight": 1.0}),
    ],
    ids=["joint", "alternate", "kl_min", "npo", "simnpo"],
)
def test_the_forgotten_becomes_less_likely_than_the_rest(tiny, method):
    forget, retain = mean_losses(tiny, tiny.model())
    model = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    forget_after, retain_after = mean_losses(tiny, model)
    assert forget_after - forget > retain_after - retain + 0.02
