"""The judge: a classifier that says what a drawn image shows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

import torch
from pydantic import Field, field_validator
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_cli.config.protocols import lacking
from unlearn_cli.config.settings import Settings, build
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError
from unlearn_cli.methods.original import Original
from unlearn_cli.models.checkpoint import load_into
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.tasks.classification import Classification
from unlearn_cli.training.optim import Recipe

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

BATCH = 500  # images at once
KEY = "eval.judge"
MODEL_KEY = re.compile(r"(?<![\w./])model(\.\w+)+(?=[=:,])")
"""As a model's messages spell its keys: those of the group `model`."""


class JudgeTraining(Original):
    """As an original model of classification: on the whole training split, forgotten classes included."""

    job: ClassVar[str] = "judge"


class JudgeNetwork(Protocol):
    """Images (B, c, H, W) in [0, 1] to logits of the classes in order; more columns: it saw none of them."""

    @property
    def head(self) -> nn.Module:
        """The last layer."""

    def __call__(self, images: Tensor) -> Tensor: ...


class AnyJudge(Settings, ABC):
    """What an evaluation asks of a judge. `origins` is the run, the judged column's values its classes."""

    @abstractmethod
    def check(self, origins: Origins) -> None:
        """Called before anything is written. InputError: it does not fit the data, or cannot be loaded."""

    @abstractmethod
    def get(self, origins: Origins) -> tuple[JudgeNetwork, str]:
        """The judge in eval mode, and the key of its weights."""

    @abstractmethod
    def key(self, origins: Origins) -> str:
        """That key alone, also of a judge that is not there yet."""

    @abstractmethod
    def made(self, origins: Origins) -> bool:
        """Whether it need not be trained."""

    def reference(self, origins: Origins) -> dict[str, Tensor]:
        """What the judge sees in the real images, `origins.all_rows` in order; kept in the store."""
        judge, key = self.get(origins)
        facts = {"judge": key, "data": origins.data.fingerprint, "rows": digest(origins.all_rows)}

        def make(folder: Path) -> None:
            batches = origins.trainer(folder).batches(origins.all_rows, BATCH)
            found = judge_outputs(judge, (batch.x for batch in batches))
            if origins.compute.is_main:
                write_tensors(folder / "seen.safetensors", found)

        return load_file(origins.store.get("reference", facts, make) / "seen.safetensors")


class Judge(AnyJudge):
    """A classifier of the data's classes, trained once for all runs and kept in the store."""

    model: Any = Field(description="network of the judge, an option of the group `model`")
    train: Recipe
    seed: int = Field(
        ge=0, description="seed of its training, its own, so that runs over seeds share a judge"
    )
    path: Path | None = Field(description="weights of a judge from elsewhere; null = train one")

    @field_validator("model", mode="before")
    @classmethod
    def _build(cls, node: Any) -> Any:
        try:
            return build(node, "eval.judge.model")
        except InputError as error:
            raise InputError(_as_typed(str(error).removeprefix("eval.judge."))) from error

    def check(self, origins: Origins) -> None:
        """Called before anything is written.

        Raises:
            InputError: it does not fit the data, or the file's judge has another architecture or was trained
                on other classes.
        """
        try:
            if self.path is None:
                as_judge(self._run_of_judge(origins).build())
            else:
                self.get(origins)
        except InputError as error:
            told = _as_typed(str(error))
            raise InputError(told if told.startswith(KEY) else f"{KEY}: {told}") from error

    def get(self, origins: Origins) -> tuple[JudgeNetwork, str]:
        """The judge in eval mode, and the key of its weights."""
        own_run = self._run_of_judge(origins)
        if self.path is None:
            origin = own_run.get(JudgeTraining())
            return as_judge(origin.model.eval()), origin.key
        model = self._from_file(own_run)
        return as_judge(own_run.compute.place(model).eval()), _weights(model)

    def key(self, origins: Origins) -> str:
        own_run = self._run_of_judge(origins)
        return own_run.key(JudgeTraining()) if self.path is None else _weights(self._from_file(own_run))

    def made(self, origins: Origins) -> bool:
        """Whether it need not be trained."""
        own_run = self._run_of_judge(origins)
        facts = own_run.facts(JudgeTraining().rows(own_run))
        return self.path is not None or origins.store.find("model", facts) is not None

    def _from_file(self, own_run: Origins) -> nn.Module:
        """That of `path`, on the CPU."""
        assert self.path
        model: nn.Module = own_run.experiment.model.build(own_run.data.spec)
        return load_into(model, self.path, {"class_names": own_run.data.classes})

    def _run_of_judge(self, origins: Origins) -> Origins:
        return origins.under(Classification(), self.model, self.train, self.seed)


def _weights(model: nn.Module) -> str:
    return digest(*(value.cpu().numpy() for value in model.state_dict().values()))


def _as_typed(message: str) -> str:
    """A model's message with the keys of the judge's model."""
    return MODEL_KEY.sub(rf"{KEY}.\g<0>", message)


def as_judge(model: nn.Module) -> JudgeNetwork:
    """The model. InputError: its class does not say which layer is the last."""
    if lacking(model, JudgeNetwork):
        kind = type(model)
        raise InputError(f"the class {kind.__module__}.{kind.__qualname__} must offer its last layer, `head`")
    return cast(JudgeNetwork, model)


@torch.no_grad()
def judge_outputs(judge: JudgeNetwork, batches: Iterable[Tensor]) -> dict[str, Tensor]:
    """ "logits" (n, C) and "features" (n, F), what enters the last layer, of images in [0, 1]; fp32, CPU."""
    features: list[Tensor] = []
    hook = judge.head.register_forward_pre_hook(
        lambda layer, inputs: features.append(inputs[0].float().cpu())
    )
    try:
        logits = [judge(x).float().cpu() for x in batches]
    finally:
        hook.remove()
    return {"logits": torch.cat(logits), "features": torch.cat(features)}


def as_floats(images: Tensor, device: torch.device) -> Iterator[Tensor]:
    """uint8 images (n, c, H, W) in batches of floats in [0, 1] on the device."""
    for part in images.split(BATCH):
        yield part.to(device).float() / 255
