"""A model from elsewhere, evaluated like any other."""

from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field
from torch import nn

from unlearn_cli.config.classes import is_own
from unlearn_cli.config.settings import build
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.models.checkpoint import load_into
from unlearn_cli.models.delta import delta_at, load_delta
from unlearn_cli.models.finite import check_finite
from unlearn_cli.storage.earlier import version_of
from unlearn_cli.storage.run_config import check_whole, read_config
from unlearn_cli.storage.run_folder import CONFIG
from unlearn_cli.training.trainer import Trainer


class Checkpoint(Unlearning):
    """θ_u read from a file: nothing is trained."""

    job: ClassVar[str] = "checkpoint"
    needs: ClassVar[type] = object
    maskable: ClassVar[bool] = False

    path: str = Field(description="a run folder, a delta, or a .safetensors, .pt or .pth file of weights")

    def check(self, task: object, model: nn.Module, data: ImageData, sets: Sets) -> None:
        self._load(model, data, sets)

    def unlearn(self, task: object, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        return self._load(model, trainer.data, sets)

    def _load(self, model: nn.Module, data: ImageData, sets: Sets) -> nn.Module:
        facts = {"data": data.fingerprint, "split": sets.split, "forget": sets.fingerprint}
        path = Path(self.path)
        try:
            check_whole(path, "method.path")
            if delta := delta_at(path):
                loaded = load_delta(_attached(model, delta.parent), delta, facts)
            else:
                loaded = load_into(model, path, facts)
        except OSError as error:
            raise InputError(f"method.path: '{self.path[:80]}': {error.strerror}; give another") from error
        except InputError as error:
            told = str(error)
            raise InputError(told if told.startswith("method.path: ") else f"method.path: {told}") from error
        check_finite(loaded, "method.path")
        return loaded


def _attached(model: nn.Module, folder: Path) -> nn.Module:
    """The model with what the method of that run folder has attached to it; as it is, if it is none."""
    method: Any = method_of(folder)  # which kind of model it takes, only it knows
    return method.restored(model, folder) if method else model


def method_of(folder: Path) -> Unlearning | None:
    """The method of a run folder; None if it is none, or if its method changes nothing.

    Raises:
        InputError: the method's class is not to be found, or has other fields now.
    """
    if not (folder / CONFIG).is_file():
        return None
    node = read_config(folder, "method.path").get("method")
    try:
        method = build(node, "method")
    except InputError as error:
        if not (isinstance(node, dict) and is_own(str(node.get("_target_")))):
            raise InputError(f"method.path: in {folder / CONFIG} {error}") from error
        raise InputError(
            f"method.path: {folder} is of an earlier version of unlearn ({version_of(folder)}): {error}; "
            "give that run's command again, and the path of the new folder that it makes beside the old one"
        ) from error
    return method if isinstance(method, Unlearning) else None
