"""EraseDiff: among the models that forget, the one that keeps most, by a bi-level step."""

from copy import deepcopy
from typing import Any, ClassVar, Literal, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.tasks.verbs.base import HasLoss, HasWrongLoss
from unlearn_cli.training.trainer import Trainer


class EraseDiffTask(HasLoss, HasWrongLoss, Protocol):
    """What EraseDiff asks of a task."""


class EraseDiff(GradientMethod):
    """min_θ ℓ_r(θ) s.t. θ ∈ argmin ℓ_f, by steps along ∇ℓ_r + λ·∇q (Wu et al., 2024).

    ℓ_r is the task's loss on the retain set, ℓ_f its loss towards wrong targets on the forget set. As in
    BOME (Liu et al., NeurIPS 2022, Algorithm 1), q(θ) = ℓ_f(θ) − ℓ_f(θ_K), θ_K = K plain gradient steps on
    ℓ_f from θ, held constant: ∇q = ∇ℓ_f. The dynamic barrier λ = max(0, (φ − ⟨∇ℓ_r, ∇q⟩)/‖∇q‖²), φ = η‖∇q‖²
    or η·q, makes every step one that lowers ℓ_f, at a rate φ, whatever ℓ_r asks. Only φ = η·q depends on
    θ_K; otherwise the K steps would change nothing and are not made.

    The release fixes λ = 0.1; its other branch is λ = max(0, η − cos(∇ℓ_r, ∇q)) with an η that its parser
    does not define. Its wrong target for a DDPM is the prediction for another class, as the task's is here
    (the paper's, uniform noise, stands in a comment there).
    """

    needs: ClassVar[type] = EraseDiffTask

    weight: float | None = Field(ge=0, description="λ, fixed (release: 0.1); null = BOME's dynamic barrier")
    barrier: Literal["square", "value"] = Field(
        description="φ of the dynamic barrier; square: η‖∇q‖², BOME's; value: η·q, with K inner steps"
    )
    eta: float = Field(gt=0, description="η, how hard the barrier presses; BOME's is 0.5")
    inner_steps: int = Field(gt=0, description="K (barrier: value); the release's is 2")
    inner_lr: float = Field(gt=0, description="rate of the K steps (barrier: value)")

    def unlearn(self, task: EraseDiffTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        adaptive = self.weight is None
        mean = trainer.compute.mean

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = batch.select(batch.forget), batch.select(~batch.forget)
            floor: Tensor | float = 0.0
            if adaptive and self.barrier == "value":
                floor = self.floor(task, model, forget)
                looks = self.inner_steps + 1
                trainer.count_more(len(forget), looks * (1 + task.wrong_forwards), self.inner_steps)
            trainer.count_more(len(forget), task.wrong_forwards)
            wrong, kept = task.wrong_loss(called, forget).mean(), task.loss(called, retain).mean()
            weight: Any = self.weight
            if adaptive:
                trainer.count_more(len(batch), backwards=1)
                of_kept, of_wrong = mean(gradient(kept, model)), mean(gradient(wrong, model))
                weight = self.multiplier(of_kept, of_wrong, mean(wrong.detach() - floor))
            return {"forget": weight * wrong, "retain": kept}

        return trainer.fit(model, balanced(sets.forget, sets.retain), objective, self)

    def floor(self, task: EraseDiffTask, model: nn.Module, forget: Batch) -> Tensor:
        """ℓ_f(θ_K). Leaves the model and the random generators as they were."""
        moved = deepcopy(model)
        devices = [forget.x.device] if forget.x.is_cuda else []

        def loss() -> Tensor:
            # each look at ℓ_f, the outer one included, draws the same noise: q compares weights, not draws
            with torch.random.fork_rng(devices):
                return task.wrong_loss(moved, forget).mean()

        for _ in range(self.inner_steps):
            parameters = trained(moved)
            slope = torch.autograd.grad(loss(), parameters)
            with torch.no_grad():
                for parameter, part in zip(parameters, slope, strict=True):
                    parameter.sub_(self.inner_lr * part)
        with torch.no_grad():
            return loss()

    def multiplier(self, retain: Tensor, forget: Tensor, q: Tensor) -> Tensor:
        """λ of the dynamic barrier, from ∇ℓ_r and ∇q (P,) and the value of q."""
        square = forget @ forget
        phi = self.eta * (square if self.barrier == "square" else q.clamp(min=0))
        weight = (phi - retain @ forget) / square
        return torch.where(square > 0, weight, 0.0).clamp(min=0)


def gradient(loss: Tensor, model: nn.Module) -> Tensor:
    """∇_θ of a loss (P,) by the parameters that are trained; its graph stays for the step itself."""
    parts = torch.autograd.grad(loss, trained(model), retain_graph=True, materialize_grads=True)
    return torch.cat([part.flatten() for part in parts])


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that the recipe trains."""
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
