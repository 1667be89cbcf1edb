"""FT: the mean loss of retain batches (Warnecke et al., NDSS 2023), as in the released code."""

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.ft import FineTune


def test_descent_on_the_retain_set(small):
    found = small.unlearned(FineTune(**RECIPE))
    assert sorted(row for rows in small.steps[:2] for row in rows) == [*small.retain]
    expected = trained(small.model(), small.steps, lambda model, rows, _: small.losses(model, rows).mean())
    assert_same(found, expected)
