"""SCRUB (Kurmanji et al., NeurIPS 2023): γ·CE + α·d on D_r, −d on D_f, d = T²·KL(teacher ‖ student)."""

import pytest
import torch

from parity.classification.small import RATE, RECIPE, assert_same, trained
from unlearn_cli.methods.scrub import Scrub

WEIGHTS = {"alpha": 0.31, "gamma": 0.83, "temperature": 2.6}
EPOCHS = {"epochs": 4, "lr": RATE, "schedule": "multistep", "milestones": [1], "decay": 0.4}
PASSES = {
    # the paper's code counts epochs from 1: a max pass while epoch <= msteps, a lower rate once it is above
    # a milestone
    "alternate": (["max", "min", "min", "min", "min"], [0, 0, 1, 1, 1]),
    # the WorstCase release counts them from 0, by the same two comparisons; a max epoch has no min pass
    "disjoint": (["max", "max", "min", "min"], [0, 0, 1, 1]),
}


@pytest.mark.parametrize("passes", PASSES)
def test_steps_of_the_codes(small, passes):
    """One forward pass of the student a step: batch norm moves once."""
    kinds, drops = PASSES[passes]
    of_step = {"max": [4], "min": [4, 4]}  # batch sizes
    found = small.unlearned(Scrub(**RECIPE | EPOCHS, **WEIGHTS, passes=passes, msteps=1))
    sizes = [size for kind in kinds for size in of_step[kind]]
    assert [len(rows) for rows in small.steps] == sizes
    steps = [(kind, drop) for kind, drop in zip(kinds, drops, strict=True) for _ in of_step[kind]]
    teacher, t = small.model(), WEIGHTS["temperature"]

    def loss(model, rows, number):
        outputs = model(small.x(rows))
        student = (outputs / t).log_softmax(1)
        with torch.no_grad():
            target = (teacher(small.x(rows)) / t).softmax(1)
        distance = t**2 * (target * (target.log() - student)).sum(1).mean()
        if steps[number][0] == "max":
            return -distance
        right = outputs.log_softmax(1)[torch.arange(len(rows)), small.y(rows)]
        return -WEIGHTS["gamma"] * right.mean() + WEIGHTS["alpha"] * distance

    expected = trained(small.model(), small.steps, loss, rate=lambda number: RATE * 0.4 ** steps[number][1])
    assert_same(found, expected)
    assert small.trainer.cost.forwards == found.passed + teacher.passed == 2 * sum(sizes)
