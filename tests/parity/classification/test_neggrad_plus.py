"""NegGrad+ (Kurmanji et al., NeurIPS 2023): E_{D_r}[ℓ] − β·E_{D_f}[ℓ]."""

import numpy as np
import pytest

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.neggrad_plus import NegGradPlus


@pytest.mark.parametrize("batch_size", [6, 5])  # proportional shares, and uneven ones
def test_the_equation_with_a_joint_pass(small, batch_size):
    """A step's estimate of a mean over a set: the sum over its members by their expected number."""
    found = small.unlearned(NegGradPlus(**RECIPE | {"batch_size": batch_size}, beta=0.37, order="paired"))

    def loss(model, rows, number):
        losses, forget = small.losses(model, rows), small.in_forget(rows)
        return losses[~forget].sum() / (len(rows) * 8 / 12) - 0.37 * losses[forget].sum() / (
            len(rows) * 4 / 12
        )

    assert_same(found, trained(small.model(), small.steps, loss))


def test_the_released_code_has_a_pass_for_each_set(small):
    """A forget batch for each retain batch; batch norm normalises the retain batch first, then the other."""
    found = small.unlearned(NegGradPlus(**RECIPE | {"batch_size": 8}, beta=0.37, order="balanced"))
    assert all((rows < 4).sum() == (rows >= 4).sum() == 4 for rows in small.steps)
    np.testing.assert_array_equal(np.sort(np.concatenate(small.steps[:2]))[-8:], small.retain)

    def loss(model, rows, number):
        retain = small.losses(model, rows[rows >= 4]).mean()
        return retain - 0.37 * small.losses(model, rows[rows < 4]).mean()

    assert_same(found, trained(small.model(), small.steps, loss))
    assert small.trainer.cost.forwards == found.passed
