"""ℓ1-sparse (Jia et al., NeurIPS 2023): the retain loss plus γ_t·‖θ‖₁ of all parameters."""

import pytest

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.l1_sparse import L1Sparse

GAMMA = 0.021


@pytest.mark.parametrize(
    ("decay", "gammas"),
    [
        ("linear", [GAMMA * (1 - step / 6) for step in range(6)]),
        ("epoch", [GAMMA * (1 - epoch / 3) for epoch in (0, 0, 1, 1, 2, 2)]),  # the released code
        ("constant", [GAMMA] * 6),
    ],
)
def test_the_penalty_fades(small, decay, gammas):
    found = small.unlearned(L1Sparse(**RECIPE | {"epochs": 3}, gamma=GAMMA, gamma_decay=decay))

    def loss(model, rows, number):
        norm = sum(p.abs().sum() for p in model.parameters())
        return small.losses(model, rows).mean() + gammas[number] * norm

    assert_same(found, trained(small.model(), small.steps, loss))
