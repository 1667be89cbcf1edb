"""Low-rank adapters of peft: any method that trains may train these instead of the weights."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import Field
from torch import nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.models.capabilities import WithTrainedPart
from unlearn_cli.runtime.seeding import seed_all
from unlearn_cli.training.optim import Recipe

ADAPTERS = r"\.lora_[AB]\."
"""Their parameters' names hold this."""


class NoLora(Settings):
    """The weights themselves are trained."""

    def check(self, task: str, model: nn.Module, recipe: Recipe | None, is_masked: bool) -> None:
        """As `Lora.check`; there is nothing that could not fit."""

    def attach(self, model: Any, seed: int) -> None:
        """Nothing is attached."""

    def merge(self, model: Any) -> None:
        """There is nothing to merge."""


class Lora(Settings):
    """W + (α/r)·B·A for the weights W of some linear layers (Hu et al., ICLR 2022); only A and B learn.

    B starts at 0. Once the method is done B·A is added to W, and the model is an ordinary one again.
    """

    rank: int = Field(gt=0, description="r, rank of an adapter B·A")
    alpha: int = Field(gt=0, description="α; the update is α/r times B·A")
    dropout: float = Field(
        ge=0, lt=1, description="share of what an adapter reads that is zeroed while it is trained"
    )
    targets: str | tuple[str, ...] = Field(
        min_length=1,
        description="linear layers by the ends of their names, as [q_proj, v_proj], or a regular expression "
        "of whole names",
    )

    def check(self, task: str, model: nn.Module, recipe: Recipe | None, is_masked: bool) -> None:
        """Called before anything is written; `model` is freshly initialised.

        task: its name. recipe: the method's, None if it trains no weights.

        Raises:
            InputError: a task, a method or a mask that knows no adapters, or targets that are not there.
        """
        net = dict(model.named_children()).get("net")
        if net is None or not isinstance(model, WithTrainedPart):
            raise InputError(f"lora: task={task} has no model for it; it is for task=vlm, set lora=none")
        if recipe is None:
            raise InputError("lora: the method trains nothing, so there is nothing to adapt; set lora=none")
        if is_masked:
            raise InputError("lora: a mask chooses among the weights, which LoRA leaves alone; set mask=none")
        if recipe.parameters is not None:
            raise InputError(
                "method.parameters: with lora the adapters are what is trained; name layers in lora.targets"
            )
        self._check_targets(net)

    def attach(self, model: Any, seed: int) -> None:
        """Put adapters into `model.net`, in place: methods then train these by default.

        They are of float32, whatever the weights are.
        """
        from peft import LoraConfig, inject_adapter_in_model  # takes a second, and few runs need it
        from peft.tuners.tuners_utils import cast_adapter_dtype

        seed_all(seed, "lora")
        targets = self.targets if isinstance(self.targets, str) else list(self.targets)
        config = LoraConfig(
            r=self.rank, lora_alpha=self.alpha, lora_dropout=self.dropout, target_modules=targets
        )
        inject_adapter_in_model(config, model.net)
        cast_adapter_dtype(model.net, "default")
        model.trained_by_default, model.trained_before = ADAPTERS, model.trained_by_default

    def merge(self, model: Any) -> None:
        """Add the adapters to the weights and take them away: modules and names are as before `attach`."""
        from peft.tuners.tuners_utils import BaseTunerLayer

        for name, layer in list(model.net.named_modules()):
            if isinstance(layer, BaseTunerLayer):
                layer.merge()
                model.net.set_submodule(name, layer.get_base_layer())
        del model.net.peft_config
        model.trained_by_default = model.trained_before
        del model.trained_before

    def _check_targets(self, net: nn.Module) -> None:
        """InputError: one of the targets is no linear layer of the model."""
        names = [name for name, module in net.named_modules() if isinstance(module, nn.Linear)]
        if isinstance(self.targets, str):
            try:
                if any(re.fullmatch(self.targets, name) for name in names):
                    return
            except re.error as error:
                raise InputError(f"lora.targets: no regular expression ({error})") from error
            raise InputError(
                f"lora.targets: no linear layer's whole name matches '{self.targets}'; "
                f"they are like {names[len(names) // 2]}"
            )
        for target in self.targets:
            if not any(name == target or name.endswith(f".{target}") for name in names):
                raise missing(target, names)


def missing(target: str, names: Sequence[str]) -> InputError:
    """The error for a layer that is not there."""
    ends = {name.rpartition(".")[2] for name in names}
    return InputError(
        f"lora.targets: no linear layer's name ends in '{target}'; {did_you_mean(target, ends)}"
    )
