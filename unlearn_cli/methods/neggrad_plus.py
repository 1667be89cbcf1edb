"""NegGrad+: descent on the retain set minus a weighted descent on the forget set."""

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import paired
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.expectation import expectations
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class NegGradPlus(GradientMethod):
    """min_θ E_{D_r}[ℓ(θ; x, y)] − β·E_{D_f}[ℓ(θ; x, y)] from θ_o (Kurmanji et al., NeurIPS 2023).

    The paper writes b·E_{D_r} − (1−b)·E_{D_f}, which is this with β = (1−b)/b and b·lr for lr. Its code
    draws a full forget batch for each retain batch; here a step holds its share of both, each sample once
    an epoch.
    """

    beta: float = Field(ge=0, description="β, weight of the ascent on the forget set; 0 = fine-tuning")

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = expectations(task.loss(model, batch), batch, sets)
            return {"retain": retain, "forget": -self.beta * forget}

        return trainer.fit(model, paired(sets.forget, sets.retain), objective, self)
