"""Linear CKA by the unbiased estimator, against its definition and what must not move it."""

from dataclasses import replace
from itertools import permutations
from math import perm

import pytest
import torch
from planted import hidden_by_bias, original

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.hidden.cka import Cka, cka, gram, hsic


def features(n, width, seed=0):
    return torch.randn(n, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def likeness(one, other):
    return cka(gram(one), gram(other))


def brute_force_hsic(k, ell):
    """The mean over all quadruples of distinct samples, of which the estimator is the sum in closed form."""
    n = len(k)

    def kernel(i, j, q, r):
        return k[i, j] * (ell[i, j] + ell[q, r] - 2 * ell[i, q])

    return sum(kernel(*some) for some in permutations(range(n), 4)) / perm(n, 4)


def test_it_is_the_mean_over_quadruples():
    one, other = (x @ x.T for x in (features(6, 3), features(6, 2, seed=1)))
    assert hsic(one, other) == pytest.approx(float(brute_force_hsic(one, other)), abs=1e-12)


def test_rotating_scaling_and_shifting_the_features_moves_nothing():
    x = features(40, 5)
    rotation, _ = torch.linalg.qr(features(5, 5, seed=1))
    moved = 3.7 * x @ rotation + features(1, 5, seed=2)
    assert likeness(x, moved) == pytest.approx(1, abs=1e-12)
    other = features(40, 8, seed=3) + x @ features(5, 8, seed=4)
    assert 0.1 < likeness(x, other) < 0.99
    assert likeness(moved, other) == pytest.approx(likeness(x, other), abs=1e-12)
    assert likeness(x * torch.tensor([9, 1, 1, 1, 1]), other) != pytest.approx(likeness(x, other), abs=1e-3)


def test_wide_layers_that_have_nothing_in_common_are_not_alike():
    """Where the plain estimator says 0.9."""
    one, other = features(20, 500), features(20, 500, seed=1)
    centred = [gram(x) for x in (one, other)]
    plain = (centred[0] * centred[1]).sum() / (centred[0].norm() * centred[1].norm())
    assert plain > 0.9
    assert abs(likeness(one, other)) < 0.2


def test_what_does_not_vary_is_like_nothing():
    assert likeness(torch.ones(6, 3), features(6, 3)) == 0


def test_too_few_samples_are_refused(planted):
    settings = Cka(rows=8)
    settings.check(planted.origins, original())
    planted.origins.sets = replace(planted.sets, forget=planted.sets.forget[:3])
    with pytest.raises(InputError, match="cka takes 4 forget samples, and there are 3; leave it out"):
        settings.check(planted.origins, original())
    with pytest.raises(InputError, match="must offer head"):
        settings.check(planted.origins, torch.nn.ReLU())


def test_of_a_model_its_layers_are_compared_with_both_references(planted):
    found = Cka(rows=8).inspect(planted.subject(hidden_by_bias()))
    assert found.metrics == {}  # its only layer reads the image
    assert found.record["test"] == {"original": {}, "oracle": {}}
