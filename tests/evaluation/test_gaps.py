import pytest

from unlearn_cli.evaluation.destroyed import at_chance, destroyed
from unlearn_cli.evaluation.gaps import avg_gap, compared, gaps

# SalUn, arXiv:2310.12508, Table 1, random 10 % of CIFAR-10.
RETRAIN = {"UA": 5.24, "RA": 100.00, "TA": 94.26, "MIA": 12.88}
SALUN = {"UA": 2.85, "RA": 99.62, "TA": 93.93, "MIA": 14.39}


def test_the_papers_row():
    gap = gaps(SALUN, RETRAIN)
    assert gap == pytest.approx({"UA": 2.39, "RA": 0.38, "TA": 0.33, "MIA": 1.51})
    assert round(avg_gap(gap), 2) == 1.15


def test_avg_gap_needs_all_four_and_ignores_others():
    gap = gaps({"UA": 1, "RA": 2, "TA": 3, "VA": 50, "KL_test": 9}, {"UA": 2, "RA": 4, "TA": 6, "VA": 0})
    assert gap == {"UA": 1, "RA": 2, "TA": 3, "VA": 50}
    assert avg_gap(gap) is None
    assert avg_gap(gap | {"MIA": 6}) == 3


def test_compared_with_and_without_an_oracle():
    original = RETRAIN | {"UA": 0.0}
    result = compared(SALUN, original, RETRAIN, classes=10)
    assert result["avg_gap"] == pytest.approx(1.1525)
    assert result["warnings"] == []
    assert result["metrics"] == SALUN
    assert result["original"] == original
    alone = compared(SALUN, original, None, classes=10)
    assert (alone["oracle"], alone["gap"], alone["avg_gap"]) == (None, None, None)


@pytest.mark.parametrize(
    ("ra", "sign"),
    [
        (99.9, None),
        (80.1, None),
        (79.0, "badly damaged"),
        (15.1, "badly damaged"),
        (14.9, "destroyed"),
        (0, "destroyed"),
    ],
)
def test_destroyed_models_are_named(ra, sign):
    warnings = destroyed({"RA": ra}, {"RA": 100.0}, classes=10)
    assert len(warnings) == (sign is not None)
    if sign:
        assert sign in warnings[0]
        assert "method.lr" in warnings[0]


def test_an_original_that_guesses_is_no_ground_for_a_warning():
    assert destroyed({"RA": 9.0}, {"RA": 12.0}, classes=10) == []
    assert destroyed({"RA": 55.0}, {"RA": 70.0}, classes=2) == []


@pytest.mark.parametrize(
    ("ra", "classes", "guesses"), [(12.0, 10, True), (16.0, 10, False), (54.0, 2, True), (70.0, 2, False)]
)
def test_an_original_that_guesses_is_told(ra, classes, guesses):
    assert bool(at_chance({"RA": ra}, classes)) is guesses
    assert bool(compared({"RA": ra}, {"RA": ra}, None, classes)["warnings"]) is guesses
