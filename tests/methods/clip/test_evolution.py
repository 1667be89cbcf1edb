"""CMA-ES by blocks: it finds a minimum, keeps the best, and goes on where it was interrupted."""

import numpy as np
import pytest
import torch
from tiny_clip import TinyProblem

from unlearn_cli.errors import Preempted
from unlearn_cli.methods.clip import evolution
from unlearn_cli.methods.clip.evolution import evolved

TARGET = np.array([1.0, -2.0, 0.5, 3.0, -1.0])
FILE = "evolution.resume.pt"


class Interrupted(Exception):
    pass


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


class Loss:
    """‖x − target‖², which counts, and fails after so many calls."""

    def __init__(self, fails_after=None):
        self.tried, self.fails_after = [], fails_after

    def __call__(self, x):
        if len(self.tried) == self.fails_after:
            raise Interrupted
        self.tried.append(x.copy())
        return float(((x - TARGET) ** 2).sum())


def search(trainer, loss, iterations=12):
    return evolved(loss, (2, 3), 8, iterations, 1.0, trainer)


def test_it_finds_the_minimum_of_a_sum_over_the_blocks(tiny):
    best = search(tiny.trainer, Loss(), iterations=80)
    np.testing.assert_allclose(best, TARGET, atol=0.05)


def test_the_best_of_all_tried_is_given_and_told(tiny):
    loss, state = Loss(), np.random.get_state()[1].copy()
    best = search(tiny.trainer, loss)
    values = [float(((x - TARGET) ** 2).sum()) for x in loss.tried]
    assert len(values) == 12 * 8
    np.testing.assert_array_equal(best, loss.tried[int(np.argmin(values))])
    told = [row["loss/best"] for row in tiny.trainer.history]
    np.testing.assert_allclose(told, np.minimum.accumulate(values)[7::8])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # the global generator is not touched


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(tiny):
    whole = Loss()
    expected = search(tiny.trainer_in(tiny.folder / "whole"), whole)
    first, second, folder = Loss(fails_after=5 * 8 + 3), Loss(), tiny.folder / "halves"
    with pytest.raises(Interrupted):
        search(tiny.trainer_in(folder, checkpoint_minutes=0), first)
    assert len(torch.load(folder / FILE, weights_only=True)["losses"]) == 5
    shown = []
    trainer = tiny.trainer_in(folder, observe=shown.append)
    np.testing.assert_array_equal(search(trainer, second), expected)
    assert len(second.tried) == 7 * 8  # what was known is not computed again
    np.testing.assert_array_equal(second.tried, whole.tried[5 * 8 :])
    assert [row["step"] for row in trainer.history] == list(range(1, 13))
    assert [row["step"] for row in shown] == list(range(6, 13))


def test_a_stop_signal_is_heeded_between_iterations(tiny, monkeypatch):
    loss = Loss()
    monkeypatch.setattr(evolution, "stop_requested", lambda: len(loss.tried) >= 16)
    with pytest.raises(Preempted):
        search(tiny.trainer, loss)
    assert len(loss.tried) == 16
    assert len(torch.load(tiny.folder / FILE, weights_only=True)["losses"]) == 2


def test_the_cost_of_before_is_counted_once(tiny):
    def costly(x):
        trainer.count_passes(1, 0)
        if trainer.cost.forwards == 20:
            raise Interrupted
        return float((x**2).sum())

    trainer = tiny.trainer_in(tiny.folder / "a", checkpoint_minutes=0)
    with pytest.raises(Interrupted):
        search(trainer, costly, iterations=4)
    trainer = tiny.trainer_in(tiny.folder / "a")
    trainer.cost.forwards = 100  # what came before the search
    search(trainer, lambda x: 0.0, iterations=4)
    assert trainer.cost.forwards == 116  # two iterations of eight, known when it was interrupted
