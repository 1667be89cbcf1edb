import time

import torch

from unlearn_cli.training.cost import Cost


def test_clock_runs_inside_and_stands_still_while_paused(monkeypatch):
    now = iter(range(0, 100, 10))
    monkeypatch.setattr(time, "perf_counter", lambda: next(now))
    cost, cpu = Cost(), torch.device("cpu")
    with cost.clock(cpu), cost.paused(cpu):  # starts at 0, pauses at 10, goes on at 20, ends at 30
        assert cost.seconds == 10
    assert cost.seconds == 20
    with cost.paused(cpu):
        assert cost.seconds == 20


def test_costs_add_up():
    cost = Cost(1.0, 2, 3, 4, 5)
    cost.add(Cost(0.5, 1, 1, 1, 1))
    assert cost.to_dict() == {"seconds": 1.5, "steps": 3, "samples": 4, "forwards": 5, "backwards": 6}
