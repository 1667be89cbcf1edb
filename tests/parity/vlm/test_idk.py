"""IDK: refusals are learnt (Maini et al., COLM 2024), or preferred as NPO's and TOFU's codes have it."""

import pytest
import torch

from parity.vlm.answers import halves, log_p, mean, trains_as
from unlearn_cli.methods.vlm.idk import IDK

BETA, RETAIN = 0.43, 1.7
REFUSAL = "i cannot say"


@pytest.mark.parametrize("preference", ["nll", "dpo"])
def test_steps(tiny, preference):
    """DPO with the factor 2/β of the programs: at the original the pull is that of NPO."""
    tiny.task = tiny.task.model_copy(update={"refusals": (REFUSAL,)})  # which is then the one drawn
    original = tiny.model()

    def gained(model, row):
        now = log_p(tiny, model, row, REFUSAL).sum() - log_p(tiny, model, row).sum()
        with torch.no_grad():
            before = log_p(tiny, original, row, REFUSAL).sum() - log_p(tiny, original, row).sum()
        return now - before

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        if preference == "nll":
            value = mean(-log_p(tiny, model, row, REFUSAL).mean() for row in gone)
        else:
            value = -2 / BETA * mean(torch.sigmoid(BETA * gained(model, row)).log() for row in gone)
        return value + RETAIN * mean(-log_p(tiny, model, row).mean() for row in kept)

    trains_as(tiny, IDK, {"preference": preference, "beta": BETA, "retain_weight": RETAIN}, loss)
