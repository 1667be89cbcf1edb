"""IU and FF against dense matrices and loops, on the linear model and a small network with batch norm."""

import torch
from torch import nn

from unlearn_cli.methods.classification.ff import FisherForgetting
from unlearn_cli.methods.classification.iu import InfluenceUnlearning
from unlearn_cli.methods.classification.one_shot import (
    flat_parameters,
    losses_at,
    move,
    per_sample_gradients,
    slopes,
)
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.training.mask import Mask

IU = {"alpha": 3.0, "samples": 6, "damping": 0.05, "inverse": "exact", "batch_size": 4}
FF = {"alpha": 1e-3, "max_std": 0.13, "samples": None, "batch_size": 3}


def influence_direction(problem, weight):
    """v = g_f − g_r, written out."""
    forget, retain = problem.sets.forget, problem.sets.retain
    n_f, n_r = len(forget), len(retain)
    g_f = problem.gradients(weight, forget).sum(dim=0) / (n_f + n_r)
    g_r = problem.gradients(weight, retain).sum(dim=0) * n_f / ((n_f + n_r) * n_r)
    return g_f - g_r


def fisher_rows(problem, samples=6):
    return rng(problem.trainer.seed, "iu").choice(problem.sets.retain, samples, replace=False)


def change(method, problem):
    model = problem.model()
    before = model.head.weight.detach().clone()
    after = method.unlearn(problem.task, model, problem.sets, problem.trainer).head.weight.detach()
    return before, (after - before).flatten()


def test_influence_step_is_the_dense_solution(problem):
    before, delta = change(InfluenceUnlearning(**IU), problem)
    g = problem.gradients(before, fisher_rows(problem)).double()
    fisher = 0.05 * torch.eye(g.shape[1], dtype=torch.double) + g.T @ g / len(g)
    expected = 3.0 * torch.linalg.solve(fisher, influence_direction(problem, before).double())
    torch.testing.assert_close(delta.double(), expected, rtol=1e-3, atol=1e-4)


def test_exact_inverse_is_sherman_morrisons(problem):
    """The recursion that WoodFisher means: F⁻¹ ← F⁻¹ − F⁻¹g gᵀF⁻¹/(N + gᵀF⁻¹g), from F⁻¹ = I/λ."""
    before, delta = change(InfluenceUnlearning(**IU), problem)
    g = problem.gradients(before, fisher_rows(problem)).double()
    inverse = torch.eye(g.shape[1], dtype=torch.double) / 0.05
    for row in g:
        image = inverse @ row
        inverse -= torch.outer(image, image) / (len(g) + row @ image)
    expected = 3.0 * inverse @ influence_direction(problem, before).double()
    torch.testing.assert_close(delta.double(), expected, rtol=1e-3, atol=1e-4)


def test_influence_step_keeps_to_the_mask(problem):
    free = torch.arange(12).view(3, 4) % 2 == 0
    _, everywhere = change(InfluenceUnlearning(**IU), problem)
    problem.trainer.mask = Mask({"head.weight": free})
    _, masked = change(InfluenceUnlearning(**IU), problem)
    torch.testing.assert_close(masked[free.flatten()], everywhere[free.flatten()])
    assert not masked[~free.flatten()].any()


def test_fisher_noise_is_large_where_information_is_small(problem):
    before, delta = change(FisherForgetting(**FF), problem)
    fisher = problem.gradients(before, problem.sets.retain).square().mean(dim=0)
    std = (1e-3 / fisher).sqrt().clamp(max=0.13)
    assert std.min() < std.max() == torch.tensor(0.13)  # both sides of the bound occur
    problem.trainer.seeded("noise")
    torch.testing.assert_close(delta, std * torch.randn(12), rtol=1e-4, atol=1e-6)


def test_fisher_noise_keeps_to_the_mask(problem):
    free = torch.arange(12).view(3, 4) < 5
    problem.trainer.mask = Mask({"head.weight": free})
    _, delta = change(FisherForgetting(**FF), problem)
    assert delta[free.flatten()].all()
    assert not delta[~free.flatten()].any()


def small_network():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 2, 2, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(18, 3)]
    return nn.Sequential(*layers).eval()


def test_per_sample_gradients_equal_a_loop(problem):
    model, batch = small_network(), problem.batch(problem.sets.retain)
    looped = []
    for i in range(len(batch)):
        model.zero_grad()
        problem.task.loss(model, batch.select(slice(i, i + 1))).sum().backward()
        looped.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    torch.testing.assert_close(per_sample_gradients(problem.task, model, batch), torch.stack(looped))


class Attention(nn.Module):
    """PyTorch's fused attention has no forward mode of its own."""

    def __init__(self):
        super().__init__()
        self.value = nn.Linear(4, 4)

    def forward(self, x):
        x = x.flatten(1).unsqueeze(1).expand(-1, 3, -1)
        return nn.functional.scaled_dot_product_attention(x, x, self.value(x)).sum(dim=1)[:, :3]


def test_moving_a_model_in_channels_last_layout():
    plain, relaid = small_network(), small_network().to(memory_format=torch.channels_last)
    torch.testing.assert_close(flat_parameters(relaid), flat_parameters(plain))
    delta = torch.arange(float(len(flat_parameters(plain))))
    move(plain, delta, None)
    move(relaid, delta, None)
    torch.testing.assert_close(flat_parameters(relaid), flat_parameters(plain))


def test_slopes_are_gradients_along_a_direction(problem):
    torch.manual_seed(0)
    for model in (small_network(), Attention()):
        batch = problem.batch(problem.sets.retain)
        theta = flat_parameters(model)
        direction = torch.randn_like(theta)
        gradients = per_sample_gradients(problem.task, model, batch)
        found = slopes(losses_at(problem.task, model, batch), theta, direction)
        torch.testing.assert_close(found, gradients @ direction)


def test_losses_at_other_weights_leave_the_model_alone(problem):
    model, batch = small_network(), problem.batch(problem.sets.retain)
    theta = torch.cat([p.detach().flatten() for p in model.parameters()])
    losses = losses_at(problem.task, model, batch)
    torch.testing.assert_close(losses(theta), problem.task.loss(model, batch))
    assert not torch.allclose(losses(theta * 1.1), losses(theta))
    torch.testing.assert_close(losses(theta), problem.task.loss(model, batch))
