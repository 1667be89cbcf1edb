import pytest

from unlearn_cli.evaluation.floor import floor
from unlearn_cli.evaluation.gaps import avg_gap, gaps

ORACLES = [
    {"UA": 5.0, "RA": 100.0, "TA": 94.0, "MIA": 13.0, "VA": 1.0},
    {"UA": 7.0, "RA": 100.0, "TA": 95.0, "MIA": 10.0, "VA": 1.0},
    {"UA": 6.0, "RA": 99.0, "TA": 94.5, "MIA": 13.0},
]


def test_it_is_the_mean_gap_of_a_perfect_method():
    found = floor(ORACLES)
    pairs = [gaps(one, two) for i, one in enumerate(ORACLES) for j, two in enumerate(ORACLES) if i != j]
    assert found.pop("avg_gap") == pytest.approx(sum(map(avg_gap, pairs)) / 6)
    assert found == pytest.approx({"UA": 4 / 3, "RA": 2 / 3, "TA": 2 / 3, "MIA": 2.0})


def test_one_oracle_has_no_floor():
    assert floor([]) is None
    assert floor(ORACLES[:1]) is None


def test_without_the_four_there_is_no_average():
    assert floor([{"H": 60.0}, {"H": 64.0}]) == {"H": 4.0}
