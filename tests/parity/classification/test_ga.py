"""GA: minus the mean loss of forget batches (Thudi et al., EuroS&P 2022), as in the released code."""

from parity.classification.small import RECIPE, assert_same, trained
from unlearn_cli.methods.ga import GradientAscent


def test_ascent_on_the_forget_set(small):
    found = small.unlearned(GradientAscent(**RECIPE | {"batch_size": 2}))
    assert sorted(row for rows in small.steps[:2] for row in rows) == [*small.forget]
    expected = trained(small.model(), small.steps, lambda model, rows, _: -small.losses(model, rows).mean())
    assert_same(found, expected)
