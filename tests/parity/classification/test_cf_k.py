"""CF-k (Goel et al., 2022): the retain loss moves the last k layers alone; norms before them gather on."""

import pytest

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.classification.cf_k import CFk


@pytest.mark.parametrize(("k", "names"), [(1, "head."), (2, "")])
def test_the_last_layers(small, k, names):
    found = small.unlearned(CFk(**RECIPE, k=k))
    expected = trained(
        small.model(),
        small.steps,
        lambda model, rows, _: small.losses(model, rows).mean(),
        names=lambda name: name.startswith(names),
    )
    assert_same(found, expected)
