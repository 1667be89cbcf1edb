"""NegGrad+: descent on the retain set minus a weighted descent on the forget set."""

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced, paired
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.expectation import expectations
from unlearn_cli.tasks.verbs.base import HasLoss
from unlearn_cli.training.trainer import Trainer


class NegGradPlus(GradientMethod):
    """min_θ E_{D_r}[ℓ(θ; x, y)] − β·E_{D_f}[ℓ(θ; x, y)] from θ_o (Kurmanji et al., NeurIPS 2023).

    The paper writes b·E_{D_r} − (1−b)·E_{D_f}, which is this with β = (1−b)/b and b·lr for lr.
    """

    sides: ClassVar[tuple[str, ...] | None] = ("beta",)

    beta: float = Field(ge=0, description="β, weight of the ascent on the forget set; 0 = fine-tuning")
    order: Literal["paired", "balanced"] = Field(
        description="paired: every step holds its share of both sets, each sample once an epoch, in one "
        "forward pass; balanced: as many of D_f as of D_r, in a pass each, so that batch norm knows each set "
        "by itself (the paper's code, whose two batches are each of half `batch_size`)"
    )

    def unlearn(self, task: HasLoss, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        def together(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            forget, retain = expectations(task.loss(model, batch), batch, sets)
            return {"retain": retain, "forget": -self.beta * forget}

        def apart(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            retain = task.loss(model, batch.select(~batch.forget)).mean()
            return {
                "retain": retain,
                "forget": -self.beta * task.loss(model, batch.select(batch.forget)).mean(),
            }

        if self.order == "balanced":
            return trainer.fit(model, balanced(sets.forget, sets.retain), apart, self)
        return trainer.fit(model, paired(sets.forget, sets.retain), together, self)
