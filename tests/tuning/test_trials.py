"""Draws follow from number and key; halving leaves a third; ranks."""

import numpy as np
import pytest
from omegaconf import OmegaConf

from unlearn_cli.config.ranges import Range, drawn
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.tuning.found import Found
from unlearn_cli.tuning.request import read_request
from unlearn_cli.tuning.rounds import run_trials
from unlearn_cli.tuning.trials import Run, Setting, Trial

LR, EPOCHS = Range(times=[0.1, 10]), Range(times=[0.5, 2])
AVG = Objective(("avg_gap",), None, MEANINGS)


def setting(method: str = "ft", **spaces) -> Setting:
    config = OmegaConf.create({"method": {"epochs": 9, "max_steps": None, "lr": 0.1}})
    return Setting(method, [Run([], config, {})], spaces)


def result(avg_gap: float, warnings: tuple[str, ...] = (), **metrics: float) -> dict:
    return {"avg_gap": avg_gap, "warnings": [*warnings], "metrics": metrics, "gap": metrics}


def test_a_longer_search_begins_with_a_shorter_ones_trials():
    one = setting(**{"method.lr": (LR, 0.1)})
    both = setting(**{"method.epochs": (EPOCHS, 9), "method.lr": (LR, 0.1)})
    short, long = one.trials(3, 0), both.trials(6, 0)
    assert short[0].values == long[0].values == {}
    for first, second in zip(short[1:], long[1:3], strict=True):
        assert first.values["method.lr"] == second.values["method.lr"]
    assert both.trials(3, 1)[1].values != long[1].values


@pytest.mark.parametrize(
    ("space", "value", "low", "high"),
    [
        (LR, 0.02, 0.002, 0.2),
        (EPOCHS, 1, 1, 2),
        (Range(low=-5, high=-2), -3, -5, -2),
        (Range(low=-1, high=3), 0.0, -1, 3),
        (Range(low=1e-3, high=10, log=True), 1.0, 1e-3, 10),
        ([2, 8], 4, 2, 8),
    ],
)
def test_draws_lie_in_the_range(space, value, low, high):
    draws = [drawn(space, value, np.random.default_rng(seed)) for seed in range(200)]
    assert low <= min(draws)
    assert max(draws) <= high
    assert {type(one) for one in draws} == {type(value)}
    if isinstance(space, Range) and space.log:
        assert 0.03 < np.median(draws) < 0.3


def test_nothing_has_no_factor():
    assert LR.fits(0.1)
    assert not LR.fits(None)
    assert not LR.fits(0.0)
    assert not LR.fits(True)
    assert Range(low=0, high=1).fits(None)


@pytest.mark.parametrize(
    ("space", "value", "found", "is_end"),
    [
        (LR, 0.02, 0.02, False),
        (LR, 0.02, 0.17, True),
        (LR, 0.02, 0.0021, True),
        (LR, 0.02, 0.5, True),
        (Range(low=0, high=10), 3, 9, False),
        (Range(low=0, high=10), 3, 10, True),
        (Range(low=0.1, high=10, log=True), 0.0, 0.0, True),
        (Range(low=0, high=10), None, None, False),
    ],
)
def test_the_end_of_a_range(space, value, found, is_end):
    assert space.is_end(found, value) is is_end


def found_of(*scores: float, lr: float = 0.1) -> Found:
    told = setting(**{"method.lr": (LR, 0.1)})
    trials = [Trial("ft", number, {"method.lr": lr} if number > 1 else {}) for number in range(1, 4)]
    for trial, score in zip(trials, scores, strict=True):
        trial.results, trial.whole = [result(score)], True
    return Found(told, trials, AVG, read_request(["method=ft", "trials=3"]))


def test_doubts_about_the_ranges():
    assert not found_of(1.0, 2.0, 3.0, lr=0.9).doubts
    (wider,) = found_of(3.0, 1.0, 2.0, lr=0.9).doubts
    assert wider.startswith("method.lr: the best, 0.9, lies at the end of its range")
    (idle,) = found_of(1.0, 1.0, 1.0).doubts
    assert "(method.lr) has an effect" in idle


def test_halving_leaves_a_third_and_the_values_in_force(monkeypatch):
    """A trial's value is its lr: the first has the largest."""
    told = setting(**{"method.lr": (LR, 0.1)})
    trials = [Trial("ft", 1, {}), *(Trial("ft", n, {"method.lr": n / 100}) for n in range(2, 10))]
    rounds = []

    def take(trial: Trial, folders: list) -> None:
        (run,) = folders
        trial.results = [result(run.config.method.lr)]

    monkeypatch.setattr(Trial, "take", take)

    def launch(runs):
        rounds.append([(run.config.method.epochs, run.config.method.lr) for run in runs])
        return runs

    run_trials({"ft": told}, trials, launch, halving=True, objective=AVG)
    assert [len(one) for one in rounds] == [9, 4, 3]
    assert [{epochs for epochs, _ in one} for one in rounds] == [{1}, {3}, {9}]
    assert {lr for _, lr in rounds[2]} == {0.1, 0.02, 0.03}
    assert [trial.number for trial in trials if trial.whole] == [1, 2, 3]


def test_failed_and_destroyed_trials_come_last():
    ranks = [
        AVG.rank([found])
        for found in (
            result(3.0),
            result(5.0),
            result(1.0, ("The model is destroyed",)),
            result(float("nan")),
            None,
        )
    ]
    assert ranks == sorted(ranks)
    assert AVG.rank([result(1.0), result(3.0)]) == (0.0, 2.0, 0.0)
    assert AVG.rank([result(1.0), None])[0] == 2


def test_a_metric_in_its_own_direction_and_ties():
    higher = Objective(("H",), None, MEANINGS)
    assert higher.rank([result(0, H=90.0)]) < higher.rank([result(0, H=80.0)])
    several = Objective(("UA", "RA"), "FD", MEANINGS)
    near, far = result(0, UA=1.0, RA=3.0, FD=5.0), result(0, UA=2.0, RA=2.0, FD=9.0)
    assert several.value(near) == several.value(far) == 2.0
    assert several.rank([near]) < several.rank([far])


def test_values_are_taken_by_the_line_that_found_them():
    typed = ["method=ft", "trials=3", "mask=saliency", "method.epochs=5", "method.search.lr.times=[1,2]"]
    request = read_request([*typed, "tuned=before", "progress=false", "hydra/launcher=slurm", "into=found"])
    assert request.taking == ["mask=saliency", "method.epochs=5", "tuned=found"]
