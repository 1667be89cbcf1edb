"""What one-shot methods share: the loss as a function of one flat parameter vector, and one update by it."""

from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from unlearn_cli.data.batch import Batch
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.mask import Mask


def flat_parameters(model: nn.Module) -> Tensor:
    """θ as one vector (P,), in the order of `model.named_parameters()`."""
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def losses_at(task: HasLoss, model: nn.Module, batch: Batch) -> Callable[[Tensor], Tensor]:
    """θ (P,) -> per-sample losses (B,) of the batch, for torch.func; the model's own weights stay."""
    bound = _BoundLoss(task, model)
    names, shapes = zip(*((name, p.shape) for name, p in bound.named_parameters()), strict=True)

    def losses(theta: Tensor) -> Tensor:
        parts = theta.split([shape.numel() for shape in shapes])
        weights = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return functional_call(bound, weights, (batch,))

    return losses


def slopes(losses: Callable[[Tensor], Tensor], theta: Tensor, direction: Tensor) -> Tensor:
    """∇_θ ℓ(θ; z_i)·u of each sample along the direction u (P,): (B,), in one forward-mode pass."""
    with sdpa_kernel(SDPBackend.MATH):  # fused attention has no forward mode
        return jvp(losses, (theta,), (direction,))[1]


def per_sample_gradients(task: HasLoss, model: nn.Module, batch: Batch) -> Tensor:
    """∇_θ ℓ(θ; z_i) of each sample, (B, P). The model must be in eval mode (batch norm mixes samples)."""

    def loss(theta: Tensor, sample: dict[str, Tensor]) -> Tensor:
        alone = replace(batch, **{name: value[None] for name, value in sample.items()})  # type: ignore[arg-type]
        return losses_at(task, model, alone)(theta).sum()

    given = {field.name: getattr(batch, field.name) for field in fields(batch)}
    samples = {name: value for name, value in given.items() if isinstance(value, Tensor)}
    with sdpa_kernel(SDPBackend.MATH):  # fused attention has no batching rule
        return vmap(grad(loss), in_dims=(None, 0), randomness="different")(flat_parameters(model), samples)


@torch.no_grad()
def move(model: nn.Module, delta: Tensor, mask: Mask | None) -> None:
    """θ ← θ + m ⊙ Δ in place, with Δ (P,); parameters the mask does not name are free."""
    start = 0
    for name, p in model.named_parameters():
        part = delta[start : start + p.numel()].view_as(p)
        if mask and name in mask.tensors:
            part = part * mask.tensors[name].to(part.device)
        p.add_(part)
        start += p.numel()


class _BoundLoss(nn.Module):
    """The task's loss as a module, so that `functional_call` can lend it other weights."""

    def __init__(self, task: HasLoss, model: nn.Module):
        super().__init__()
        self.task = task
        self.model = model

    def forward(self, batch: Batch) -> Tensor:
        return self.task.loss(self.model, batch)
