"""The projection on {0 ≤ w ≤ 1, Σw = m}: its properties, and a quadratic programme on small cases."""

import numpy as np
import pytest
from scipy.optimize import minimize

from unlearn_cli.forget.projection import project

SCALES = [1e-6, 0.1, 1.0, 10.0, 1e4]


def masses(n):
    """The least, the middle, the most, and one that is no whole number."""
    return sorted({1, max(1, n // 2), max(1, n - 1), n, 0.3 * n})


def points(seed=0, sizes=(1, 2, 3, 8, 50, 1000)):
    """(point, mass): normal, whole numbers with many ties, all equal, skewed, at every scale."""
    generator = np.random.default_rng(seed)
    for n in sizes:
        for scale in SCALES:
            for a in (
                generator.normal(size=n),
                np.round(generator.normal(size=n) * 2),
                np.full(n, generator.normal()),
                -generator.exponential(size=n),
            ):
                for mass in masses(n):
                    yield a * scale, mass


def test_it_lies_in_the_set():
    for a, mass in points():
        w = project(a, mass)
        assert w.dtype == np.float64
        assert w.min() >= 0
        assert w.max() <= 1
        assert w.sum() == pytest.approx(mass, abs=1e-9 * len(a))


def test_a_point_of_the_set_stays():
    for a, mass in points():
        w = project(a, mass)
        np.testing.assert_allclose(project(w, mass), w, atol=1e-9)


def test_a_constant_makes_no_difference():
    for a, mass in points(sizes=(3, 50)):
        shift = 3.0 * np.abs(a).max()
        tolerance = 1e-9 + 1e-14 * shift * len(a)
        np.testing.assert_allclose(project(a + shift, mass), project(a, mass), atol=tolerance)


def test_the_order_is_kept_and_equal_ones_stay_equal():
    for a, mass in points():
        order = np.argsort(a, kind="stable")
        w, a = project(a, mass)[order], a[order]
        assert (np.diff(w) >= 0).all()
        assert (np.diff(w)[np.diff(a) == 0] == 0).all()


def test_no_point_of_the_set_is_nearer():
    """(a − w)·(v − w) ≤ 0 for every v of the set; the largest v·(a − w) is that of its m top entries."""
    for a, mass in points(sizes=(2, 3, 8, 50)):
        w, whole = project(a, mass), int(mass)
        rest = np.sort(a - w)[::-1]
        most = rest[:whole].sum() + (mass - whole) * (rest[whole] if whole < len(a) else 0)
        assert most - (a - w) @ w <= 1e-9 * len(a) * max(1, np.abs(a).max())


@pytest.mark.parametrize(
    ("point", "mass", "expected"),
    [
        ([5, 1, -3], 1, [1, 0, 0]),
        ([0, 0, 0, 0], 1, [0.25] * 4),
        ([0.6, 0.4, 0.2], 1, [0.5333333333, 0.3333333333, 0.1333333333]),  # − 1/15 each
        ([2, 0.5, 0.3], 2, [1, 0.6, 0.4]),  # one at the cap, + 0.1 for the others
        ([3, 3, 0, 0], 1, [0.5, 0.5, 0, 0]),  # ties share
        ([3, 3, 0, 0], 3, [1, 1, 0.5, 0.5]),
        ([7, -7], 2, [1, 1]),
        ([-1e4, 0, 1e4], 2, [0, 1, 1]),
        ([4, 2, 0], 2, [1, 1, 0]),  # nothing inside: any μ from 0 to 1
        ([0.3], 1, [1]),
        ([0.3, 0.9], 0, [0, 0]),
    ],
)
def test_by_hand(point, mass, expected):
    np.testing.assert_allclose(project(np.array(point), mass), expected, atol=1e-9)


def test_whole_numbers_of_many_ties_at_full_size():
    """45,000 weights of ten different values: every equal one has the same weight, and the mass is exact."""
    a = np.random.default_rng(0).integers(0, 10, 45_000)
    w = project(a, 4_500)
    assert w.sum() == pytest.approx(4_500, abs=1e-6)
    values = [np.unique(w[a == value]) for value in range(10)]
    assert [len(found) for found in values] == [1] * 10
    nines = (a == 9).sum()
    assert values[9].item() == pytest.approx(min(1, 4_500 / nines))


@pytest.mark.parametrize("seed", range(4))
def test_a_quadratic_programme_finds_the_same(seed):
    generator = np.random.default_rng(seed)
    for _ in range(15):
        n = int(generator.integers(2, 9))
        mass = int(generator.integers(1, n))
        a = generator.normal(size=n) * generator.choice([0.1, 1, 5])
        if generator.random() < 0.3:
            a = np.round(a)
        found = minimize(
            lambda w, a=a: ((w - a) ** 2).sum(),
            np.full(n, mass / n),
            jac=lambda w, a=a: 2 * (w - a),
            bounds=[(0, 1)] * n,
            constraints={"type": "eq", "fun": lambda w, m=mass: w.sum() - m, "jac": np.ones_like},
            method="SLSQP",
            options={"ftol": 1e-14, "maxiter": 500},
        )
        np.testing.assert_allclose(project(a, mass), found.x, atol=1e-5)
