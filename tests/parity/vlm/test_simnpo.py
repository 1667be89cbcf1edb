"""SimNPO as its programs have it: −(2/β)·log σ(β·(−log p/|y| − γ)) (Fan et al., 2025)."""

import torch

from parity.vlm.answers import halves, log_p, mean, trains_as
from unlearn_cli.methods.vlm.simnpo import SimNPO

BETA, GAMMA, RETAIN = 1.6, 2.7, 0.3


def test_steps(tiny):
    def pull(model, row):
        return torch.sigmoid(BETA * (-log_p(tiny, model, row).mean() - GAMMA)).log()

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        value = -2 / BETA * mean(pull(model, row) for row in gone)
        return value + RETAIN * mean(-log_p(tiny, model, row).mean() for row in kept)

    trains_as(tiny, SimNPO, {"beta": BETA, "gamma": GAMMA, "retain_weight": RETAIN}, loss)


def test_the_gamma_of_the_papers_equation_is_beta_times_as_large(tiny):
    """−(2/β)·log σ(−(β/|y|)·log p − γ'), γ' = β·γ."""

    def pull(model, row):
        return torch.sigmoid(-BETA / len(each := log_p(tiny, model, row)) * each.sum() - BETA * GAMMA).log()

    def loss(model, rows, number):
        gone, kept = halves(tiny, rows)
        value = -2 / BETA * mean(pull(model, row) for row in gone)
        return value + RETAIN * mean(-log_p(tiny, model, row).mean() for row in kept)

    trains_as(tiny, SimNPO, {"beta": BETA, "gamma": GAMMA, "retain_weight": RETAIN}, loss)
