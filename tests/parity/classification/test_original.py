"""The original and the oracle: empirical risk on all rows, and on those not to be forgotten."""

from types import SimpleNamespace

import numpy as np
import pytest

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.training.optim import Recipe


@pytest.mark.parametrize(("kind", "expected_rows"), [(Original, range(12)), (Retrain, range(4, 12))])
def test_risk_of_what_it_may_see(small, kind, expected_rows):
    splits = SimpleNamespace(train=small.rows)
    rows = kind().rows(SimpleNamespace(splits=splits, sets=SimpleNamespace(unforgotten=small.retain)))
    np.testing.assert_array_equal(rows, expected_rows)
    found = kind().train(small.task, small.model(), rows, small.trainer, Recipe(**RECIPE))
    expected = trained(small.model(), small.steps, lambda model, rows, _: small.losses(model, rows).mean())
    assert_same(found, expected)
