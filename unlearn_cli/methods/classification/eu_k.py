"""EU-k: exact unlearning of the last k layers."""

from typing import Literal

from pydantic import Field
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.classification.cf_k import CFk, LayeredTask
from unlearn_cli.models.capabilities import Resettable
from unlearn_cli.training.trainer import Trainer


class EUk(CFk):
    """min_{θ_last k} E_{D_r}[ℓ(θ; x, y)] from a fresh start of these layers (Goel et al., arXiv:2201.06640).

    The layers before stay frozen and keep what they learned from D_f.
    """

    reinit: Literal["once", "every_epoch"] = Field(
        description="once: at the start, as PyTorch does (the paper); every_epoch: before each epoch, so "
        "that only the last counts, weights of linear layers from N(0, 1), of convolutions Xavier-uniform, "
        "biases 0, norms kept (WorstCase release)"
    )

    def check(self, task: LayeredTask, model: nn.Module, data: ImageData, sets: Sets) -> None:
        resettable(model, self.last_layers(task, model))

    def has_epochs(self) -> bool:
        return self.reinit == "once"

    def unlearn(self, task: LayeredTask, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        names = self.last_layers(task, model)
        kept = trainer.mask.bind(dict(model.named_parameters())) if trainer.mask else None
        rounds, recipe = 1, self
        if self.reinit == "every_epoch":
            rounds, recipe = self.epochs, self.model_copy(update={"epochs": 1})
        for number in range(rounds):
            trainer.seeded("reinit", number)
            for layer in resettable(model, names):
                layer.reset_parameters() if self.reinit == "once" else reset_as_released(layer)
            if kept:
                kept.restore()
            stage = "unlearn" if rounds == 1 else f"unlearn-{number}"
            feed, objective = shuffled(sets.retain), self.objective(task)
            trainer.fit(model, feed, objective, recipe, stage=stage, parameters=names)
        return model


def reset_as_released(layer: object) -> None:
    """The WorstCase code's fresh start of a layer, in place."""
    if isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight)
    elif isinstance(layer, nn.Conv2d):
        nn.init.xavier_uniform_(layer.weight)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def resettable(model: nn.Module, names: list[str]) -> list[Resettable]:
    """The modules that own these parameters. InputError: one of them cannot be initialised afresh."""
    found: list[Resettable] = []
    for path in dict.fromkeys(name.rpartition(".")[0] for name in names):
        module = model.get_submodule(path)
        if not isinstance(module, Resettable):
            raise InputError(f"method.k: layer '{path}' cannot be re-initialised; choose a smaller k")
        found.append(module)
    return found
