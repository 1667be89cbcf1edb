"""Paired tests and Holm's correction by hand."""

from math import sqrt

import numpy as np
import pytest

from unlearn_cli.compare.hypotheses import holm, p_below, p_different


def differences(*values):
    return np.array(values, dtype=float)


def test_students_t_by_hand():
    """Differences 1, 2, 3: t = 2 √3; with 2 degrees of freedom p = 1 − t / √(2 + t²)."""
    t = 2 * sqrt(3)
    p = 1 - t / sqrt(2 + t**2)
    assert p_different(differences(1, 2, 3)) == pytest.approx(p)
    assert p_different(differences(-1, -2, -3)) == pytest.approx(p)
    assert p_below(differences(-1, -2, -3)) == pytest.approx(p / 2)
    assert p_below(differences(1, 2, 3)) == pytest.approx(1 - p / 2)


def test_a_missing_pair_is_none():
    assert p_different(differences(1, np.nan, 2, 3)) == p_different(differences(1, 2, 3))


def test_fewer_than_three_pairs_are_not_tested():
    assert np.isnan(p_different(differences(1, 2, np.nan)))
    assert np.isnan(p_below(differences()))


def test_equal_differences_and_rounding():
    assert p_different(differences(0, 0, 0)) == 1
    assert p_different(differences(1e-17, 0, 0)) == 1
    assert p_different(differences(-2, -2, -2)) == 0
    assert (p_below(differences(-2, -2, -2)), p_below(differences(2, 2, 2))) == (0, 1)
    assert p_below(differences(0, 0, 0)) == 1


def test_many_at_once():
    table = np.array([[[1.0, 2, 3], [0, 0, 0]], [[-1, 0, 1], [5, 1, np.nan]]])
    assert p_different(table).shape == (2, 2)
    assert p_different(table)[0, 0] == p_different(table[0, 0])
    assert np.isnan(p_different(table)[1, 1])


def test_holm_by_hand():
    """Of 0.01, 0.04, 0.03 and 0.005 the factors are 3, 1, 2, 4; none is below one with a smaller p."""
    assert holm(differences(0.01, 0.04, 0.03, 0.005)) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(differences(0.9, 0.8)) == pytest.approx([1, 1])


def test_holm_counts_what_was_tested():
    found = holm(differences(0.02, np.nan, 0.01))
    assert found[[0, 2]] == pytest.approx([0.02, 0.02])
    assert np.isnan(found[1])
    assert holm(differences()).shape == (0,)
