"""CF-k and EU-k: what is frozen, what starts afresh."""

import pytest
import torch
from linear_problem import PLAIN_SGD

from unlearn_cli.errors import InputError
from unlearn_cli.methods.classification.cf_k import CFk
from unlearn_cli.methods.classification.eu_k import EUk

# so small a rate that the result is the starting point
STILL = PLAIN_SGD | {"lr": 1e-12, "epochs": 3}


@pytest.mark.parametrize("method", [CFk(**PLAIN_SGD, k=1), EUk(**PLAIN_SGD, k=1, reinit="once")])
def test_layers_before_the_last_k_stay_bit_identical(problem, method):
    settings = {"epochs": 3, "momentum": 0.9, "weight_decay": 0.1}
    method = method.model_copy(update=settings)
    before = problem.model(hidden=5)
    after = method.unlearn(problem.task, problem.model(hidden=5), problem.sets, problem.trainer)
    assert torch.equal(after.features.weight, before.features.weight)
    assert not torch.equal(after.head.weight, before.head.weight)


def test_k_of_all_layers_trains_all(problem):
    before = problem.model(hidden=5)
    method = CFk(**PLAIN_SGD, k=2)
    after = method.unlearn(problem.task, problem.model(hidden=5), problem.sets, problem.trainer)
    assert not torch.equal(after.features.weight, before.features.weight)


def test_too_many_layers_is_told_in_a_line(problem):
    method = CFk(**PLAIN_SGD, k=3)
    with pytest.raises(InputError, match="k: 3 is too many, the model has 2"):
        method.unlearn(problem.task, problem.model(hidden=5), problem.sets, problem.trainer)


def test_layer_without_a_fresh_start_is_refused_before_training(problem):
    model = problem.model()  # `features` is an Identity here
    model.weight_layers = lambda: [["scale"], ["head.weight"]]
    method = EUk(**PLAIN_SGD, k=2, reinit="once")
    with pytest.raises(InputError, match="cannot be re-initialised; choose a smaller k"):
        method.check(problem.task, model, problem.trainer.data, problem.sets)
