"""RL, SalUn and SalUn-soft. With two classes, "another label" is the other one: a closed form."""

import pytest
import torch
from linear_problem import PLAIN_SGD
from torch import tensor

from unlearn_cli.methods.rl import RandomLabel
from unlearn_cli.methods.salun import SalUn
from unlearn_cli.methods.salun_soft import SalUnSoft, kth_smallest
from unlearn_cli.training.mask import Mask

LR = PLAIN_SGD["lr"]
PAIRED = {"alpha": 0.7, "exclude_true": True, "order": "paired"}


def step(method, problem):
    model = problem.model()
    before = model.head.weight.detach().clone()
    after = method.unlearn(problem.task, model, problem.sets, problem.trainer).head.weight.detach()
    return before, after


def flipped_gradient(problem, weight):
    """Of the forget set with its labels exchanged."""
    return problem.gradient(weight, problem.sets.forget, 1 - problem.y(problem.sets.forget))


def test_the_released_labels_may_be_the_true_ones(two_classes):
    """Uniform labels: over several seeds some forget samples keep their label, hence other weights."""
    method = RandomLabel(**PLAIN_SGD, **PAIRED | {"exclude_true": False})
    results = []
    for seed in range(4):
        two_classes.trainer.seed = seed
        two_classes.trainer.folder = two_classes.folder / str(seed)
        two_classes.trainer.folder.mkdir()
        results.append(step(method, two_classes)[1])
    assert any(not torch.allclose(results[0], other, atol=1e-4) for other in results[1:])


def test_salun_moves_only_salient_weights(two_classes):
    settings = PLAIN_SGD | PAIRED | {"weight_decay": 0.1, "momentum": 0.9, "epochs": 3}
    free = torch.zeros(2, 4, dtype=torch.bool)
    free[0, :2] = True
    two_classes.trainer.mask = Mask({"head.weight": free})
    before, after = step(SalUn(**settings), two_classes)
    assert torch.equal(after[~free], before[~free])
    assert (after[free] != before[free]).all()


def test_soft_threshold_by_hand():
    anchor = tensor([1.0, 1.0, 1.0, 1.0])
    moved = tensor([1.5, 0.8, 1.05, 1.0])
    method = SalUnSoft(**PLAIN_SGD, **PAIRED, compat="paper", beta=0.4, ratio=0.0)
    p = moved.clone()
    method.shrink([p], [anchor], lr=0.5, progress=0.5)  # τ = 0.5 · 0.4 · 0.5 = 0.1
    torch.testing.assert_close(p, tensor([1.4, 0.9, 1.0, 1.0]))
    assert torch.equal(p[2:], anchor[2:])


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.0), (0.24, 0.0), (0.25, 1.0), (1.0, 4.0)])
def test_kth_smallest_counts_magnitudes(share, expected):
    assert kth_smallest([tensor([-4.0, 1.0]), tensor([[3.0], [-2.0]])], share).item() == expected


def test_soft_salun_with_beta_zero_is_random_labels(two_classes):
    soft = SalUnSoft(**PLAIN_SGD, **PAIRED, compat="paper", beta=0.0, ratio=0.0)
    plain = RandomLabel(**PLAIN_SGD, **PAIRED)
    _, with_prox = step(soft, two_classes)
    two_classes.trainer.folder = two_classes.folder / "plain"
    two_classes.trainer.folder.mkdir()
    _, without = step(plain, two_classes)
    torch.testing.assert_close(with_prox, without)
