"""The selector against every subset there is."""

from itertools import combinations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from selection_problem import FINE_TUNE, RETRAIN, Silent, origins_of, worst_case

from unlearn_cli.forget.bilevel import after_unlearning, indicator, solve
from unlearn_cli.forget.random import draw_without_replacement
from unlearn_cli.forget.units import Units

SEEDS = 10


@pytest.fixture(autouse=True)
def one_thread():
    """Two wait for each other longer than these steps take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def all_losses(problem, origins, subsets):
    """(subsets, samples): every sample's loss after the sign steps of each subset, all subsets at once."""
    data, lower, there, units = origins.data, problem.lower, len(subsets), len(origins.data)
    head = (origins.build() if lower.fresh else origins.get(None).model).head
    x, y = 4 * (data.tensor.flatten(1) / 255 - 0.5), F.one_hot(torch.from_numpy(data.labels))[:, None]
    members = np.stack([indicator(subset, units) for subset in subsets], axis=1)
    share = torch.from_numpy((1 - members) / units).float()[..., None]
    weight, bias = head.weight.detach().T.repeat(1, there), head.bias.detach().repeat(there)
    for step in range(lower.epochs + 1):
        logits = (x @ weight + bias).view(units, there, 3)
        if step < lower.epochs:
            errors = (share * (logits.softmax(2) - y)).flatten(1)
            weight = weight - lower.lr * (x.T @ errors).sign()
            bias = bias - lower.lr * errors.sum(0).sign()
    return -(logits.double().log_softmax(2) * y).sum(2).numpy().T


@pytest.mark.parametrize(
    ("there", "count", "lower"),
    [(60, 2, FINE_TUNE), (60, 2, RETRAIN), (20, 2, FINE_TUNE), (12, 3, FINE_TUNE)],
    ids=["60-ft", "60-retrain", "20-ft", "12-ft"],
)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_worst_of_all_subsets_or_one_within_a_percent(tmp_path, seed, there, count, lower):
    """F(S) = Σ_{i∈S} ℓ(θ_u(1_S); z_i): F(found) − F(best) ≤ 1 % of F(highest) − F(best), with the defaults.

    A percent of that range, not of F(best): the upper step takes a sample's loss for all of F's slope and
    leaves out how its weight moves the others' losses. Of these 20 cases 14 are the best subset itself, the
    others cost up to 1.10 times as much. Few subsets lie that near: a percent is not much.
    """
    problem, origins = worst_case(lower, count=count), origins_of(seed, there, tmp_path)
    units = Units.of("sample", origins.data, np.arange(there))
    subsets = np.array(list(combinations(range(there), count)))
    tracker = Silent()
    selection = solve(
        problem, origins, units, draw_without_replacement(np.arange(there), count, seed), tmp_path, tracker
    )
    found = np.sort(selection.top(count))

    losses = all_losses(problem, origins, subsets)
    values = np.take_along_axis(losses, subsets, 1).sum(1)
    (place,) = np.flatnonzero((found == subsets).all(1))
    for number in (place, 0):  # they are what the trainer's own steps come to
        weights, stage = indicator(subsets[number], there), f"check-{number}"
        checked = after_unlearning(problem, origins, units, weights, origins.trainer(tmp_path), stage)
        np.testing.assert_allclose(losses[number], checked, rtol=1e-4, atol=1e-5)
    above = (values - values.min()) / (values.max() - values.min())
    assert above[place] <= 0.01
    assert (above <= 0.01).mean() < 0.05
