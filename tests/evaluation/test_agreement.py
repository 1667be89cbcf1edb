import math

import numpy as np
import pytest
import torch

from unlearn_cli.evaluation import agreement as module
from unlearn_cli.evaluation.agreement import agreement

MODEL = torch.tensor([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]).log()
ORACLE = torch.tensor([[0.75, 0.25], [0.1, 0.9], [0.2, 0.8], [0.5, 0.5]]).log()


def test_agreement_and_divergence_by_hand(make_sets):
    sets = make_sets(forget=[0, 1], retain=[2], test=[2, 3])
    values = agreement(MODEL, ORACLE, sets.parts)
    kl = [
        0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5),
        0.1 * math.log(0.1 / 0.9) + 0.9 * math.log(0.9 / 0.1),
        0.0,
        0.5 * math.log(0.5 / 0.6) + 0.5 * math.log(0.5 / 0.4),
    ]
    # Row 0 ties in the model: argmax takes the first class, as the oracle's.
    expected = {
        "agreement_forget": 50.0,
        "agreement_retain": 100.0,
        "agreement_test": 100.0,
        "KL_forget": (kl[0] + kl[1]) / 2,
        "KL_retain": 0.0,
        "KL_test": kl[3] / 2,
    }
    assert values == pytest.approx(expected, abs=1e-6)


def test_the_divergence_is_from_the_oracle_and_not_symmetric(make_sets):
    sets = make_sets(forget=[0], retain=[2], test=[3])
    forward, backward = agreement(MODEL, ORACLE, sets.parts), agreement(ORACLE, MODEL, sets.parts)
    assert forward["KL_forget"] == pytest.approx(0.13081, abs=1e-5)
    assert backward["KL_forget"] == pytest.approx(0.14384, abs=1e-5)


def test_chunks_add_up(make_sets, monkeypatch):
    rng = np.random.default_rng(0)
    model, oracle = (torch.tensor(rng.normal(size=(50, 3)), dtype=torch.float32) for _ in range(2))
    sets = make_sets(forget=np.arange(7), retain=np.arange(7, 30), test=np.arange(30, 50))
    whole = agreement(model, oracle, sets.parts)
    monkeypatch.setattr(module, "CHUNK", 4)
    assert agreement(model, oracle, sets.parts) == pytest.approx(whole)


def test_saturated_outputs_stay_finite(make_sets):
    sets = make_sets(forget=[0], retain=[0], test=[0])
    values = agreement(torch.tensor([[200.0, 0.0]]), torch.tensor([[0.0, 200.0]]), sets.parts)
    assert values["KL_forget"] == pytest.approx(200)
