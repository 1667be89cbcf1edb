"""The lower levels of a worst-case selection on the linear model: soft weights, by hand."""

from copy import deepcopy
from inspect import isabstract

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from linear_problem import PLAIN_SGD

from unlearn_cli.config.protocols import lacking
from unlearn_cli.forget import lower as module
from unlearn_cli.forget.lower import (
    BoundaryExpanding,
    BoundaryShrink,
    FineTune,
    L1Sparse,
    Lower,
    RandomLabel,
    Retrain,
    Scrub,
)
from unlearn_cli.tasks.classification import Classification

SIGNS = PLAIN_SGD | {"optimizer": "sign", "lr": 0.125}
WEIGHTS = torch.tensor([0.0, 0.3, 1.0] * 4)
ROWS = np.arange(12)
KINDS = [
    kind
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Lower) and not isabstract(kind)
]


@pytest.fixture
def terms(problem):
    """terms(lower): ℓ(θ; z_i, w_i) of the twelve samples at a θ that is not θ_o, and what it is made of."""

    class Terms:
        original, model, batch = problem.model().eval(), problem.model(), problem.batch(ROWS)

        def of(self, lower):
            torch.manual_seed(5)
            return lower.loss(problem.task, self.model, self.original, self.batch, WEIGHTS).detach()

        def loss(self, labels=None):
            labels = problem.y(ROWS) if labels is None else labels
            return F.cross_entropy(self.logits(self.model), labels, reduction="none")

        def logits(self, model):
            return (problem.x(ROWS) @ model.head.weight.T).detach()

    found = Terms()
    found.model.head.weight.data += 0.4 * torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    return found


@pytest.mark.parametrize("kind", [FineTune, Retrain])
@pytest.mark.parametrize("ascent", [0.0, 1.0, 0.5])
def test_fine_tuning_and_retraining(terms, kind, ascent):
    """1 − w is left of a sample; with the paper's forget term λ·w is taken off besides."""
    share = {0.0: [1, 0.7, 0], 1.0: [1, 0.4, -1], 0.5: [1, 0.55, -0.5]}[ascent]
    expected = torch.tensor(share * 4) * terms.loss()
    torch.testing.assert_close(terms.of(kind(**SIGNS, ascent=ascent)), expected)


def test_l1_sparse_is_fine_tuning_with_a_penalty_that_fades(terms):
    lower = L1Sparse(**SIGNS, ascent=0.0, gamma=0.1)
    torch.testing.assert_close(terms.of(lower), (1 - WEIGHTS) * terms.loss())
    parameters = [torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])]
    assert lower.penalty(parameters, 0.0).item() == pytest.approx(0.6)
    assert lower.penalty(parameters, 0.75).item() == pytest.approx(0.15)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in (L1Sparse, Lower)])
def test_no_other_one_has_a_penalty(kind):
    assert kind.model_construct(**SIGNS).penalty is None


ALL = {
    FineTune: {"ascent": 0.0},
    Retrain: {"ascent": 1.0},
    L1Sparse: {"ascent": 0.0, "gamma": 5e-4},
    RandomLabel: {"alpha": 1.0},
    Scrub: {"alpha": 1e-3, "gamma": 0.99, "temperature": 4.0},
    BoundaryShrink: {"bound": 0.1},
    BoundaryExpanding: {},
}


def test_there_are_these_and_no_more():
    assert set(KINDS) == {*ALL}
    assert [kind for kind in ALL if kind.fresh] == [Retrain]


@pytest.mark.parametrize("kind", ALL)
def test_a_classifier_has_the_verbs_that_it_asks_for(kind):
    assert not lacking(Classification, kind.needs)


@pytest.mark.parametrize("kind", ALL)
def test_every_entry_moves_by_the_rate_or_not_at_all(problem, kind):
    """And the head has its own shape again, the model is in eval mode, the original is as it was."""
    model = problem.model()
    before, other = model.head.weight.detach().clone(), deepcopy(model)
    after = kind(**SIGNS, **ALL[kind]).unlearn(
        problem.task, model, ROWS, WEIGHTS, problem.trainer, "selection-1"
    )
    assert after is model
    assert not model.training
    assert after.head.weight.shape == (3, 4)
    moved = (after.head.weight.detach() - before).abs()
    nought, rate = torch.isclose(moved, torch.tensor(0.0)), torch.isclose(moved, torch.tensor(0.125))
    assert rate.any()
    assert (nought | rate).all()
    assert torch.equal(other.head.weight, before)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_weights_are_looked_up_by_row(problem):
    """Rows 3 to 8 alone are trained on, each with its own weight."""
    rows, model = np.arange(3, 9), problem.model()
    weight = model.head.weight.detach().clone()
    errors = problem.errors(weight, rows) * (1 - WEIGHTS[3:9])[:, None]
    expected = weight - 0.125 * (errors.T @ problem.x(rows)).sign()
    lower = FineTune(**SIGNS, ascent=0.0)
    lower.unlearn(problem.task, model, rows, WEIGHTS, problem.trainer, "selection-1")
    torch.testing.assert_close(model.head.weight.detach(), expected)
    assert problem.trainer.history[-1]["stage"] == "selection-1"


def test_the_l1_penalty_reaches_the_step(problem):
    """A penalty so large that every weight goes towards 0, whatever the losses say."""
    model = problem.model()
    before = model.head.weight.detach().clone()
    lower = L1Sparse(**SIGNS, ascent=0.0, gamma=1e3)
    lower.unlearn(problem.task, model, ROWS, WEIGHTS, problem.trainer, "selection-1")
    torch.testing.assert_close(model.head.weight.detach(), before - 0.125 * before.sign())
