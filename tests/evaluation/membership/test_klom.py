import numpy as np
import pytest

from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.membership.klom import LEAST_MODELS, klom, klom_metrics


def test_equal_pools_have_no_distance_and_disjoint_ones_the_largest():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(30, 4))
    np.testing.assert_allclose(klom(pool, rng.permuted(pool, axis=0)), 0, atol=1e-12)
    np.testing.assert_allclose(klom(pool + 100, pool - 100), np.log(1e5))
    np.testing.assert_allclose(klom(np.full((5, 2), 3.0), np.full((7, 2), 3.0)), 0)


def test_two_bins_by_hand():
    """Three quarters of the unlearned at the top, one half of the oracles: ¾ ln(¾ / ½) + ¼ ln(¼ / ½)."""
    unlearned, oracles = np.array([[0.0], [1], [1], [1]]), np.array([[0.0], [1]])
    assert klom(unlearned, oracles)[0] == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))


def test_many_models_give_the_divergence_of_their_distributions():
    """KL(N(μ, 1) ‖ N(0, 1)) = μ² / 2; a histogram of 20 bins loses little of it."""
    rng = np.random.default_rng(0)
    value = klom(rng.normal(0.8, 1, (100_000, 1)), rng.normal(0, 1, (100_000, 1)))
    assert value[0] == pytest.approx(0.32, abs=0.02)


def test_row_by_row_as_numpy_counts():
    rng = np.random.default_rng(1)
    unlearned, oracles = rng.normal(1, 1, (40, 6)), rng.normal(0, 2, (60, 6))  # 8 bins
    for row, value in enumerate(klom(unlearned, oracles)):
        both = np.concatenate([unlearned[:, row], oracles[:, row]])
        p, q = (np.histogram(part[:, row], 8, (both.min(), both.max()))[0] for part in (unlearned, oracles))
        p, q = p / p.sum(), np.maximum(q / q.sum(), 1e-5)
        assert value == pytest.approx(sum(a * np.log(a / b) for a, b in zip(p, q, strict=True) if a > 0))


def test_mean_and_95th_percentile_by_part():
    values = np.arange(101.0)
    parts = {"forget": np.arange(101), "retain": np.array([7]), "val": np.array([], int)}
    assert klom_metrics(values, parts) == {
        **{"KLOM_forget": 50, "KLOM_95_forget": 95, "KLOM_retain": 7, "KLOM_95_retain": 7}
    }


def test_infinite_margins_are_the_largest_and_diverged_models_refused():
    certain = np.full((3, 1), np.inf)
    assert klom(certain, certain)[0] == 0
    with pytest.raises(RunError, match="are not numbers"):
        klom(np.full((3, 1), np.nan), certain)


@pytest.mark.parametrize("models", [LEAST_MODELS, 20, 50, 100, 200])
def test_pools_of_any_size_are_hardly_apart_by_chance(models):
    """With 20 bins whatever the pool, ten models would be 5.6 nats from their like."""
    rng = np.random.default_rng(0)
    values = klom(rng.normal(size=(models, 1000)), rng.normal(size=(models, 1000)))
    assert 0.1 < values.mean() < 0.4
    moved = klom(rng.normal(3, 1, (models, 1000)), rng.normal(size=(models, 1000)))
    assert moved.mean() > 5
