"""The model of a finished run, ready to use."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf

from unlearn_cli.api.process import borrowed
from unlearn_cli.config.run_path import folder_of_runs
from unlearn_cli.errors import InputError
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.run_config import check_whole, read_config
from unlearn_cli.storage.run_folder import RESULT
from unlearn_cli.storage.sealed import read_sealed

if TYPE_CHECKING:
    from torch import nn


def load(run_folder: str | Path) -> "nn.Module":
    """The unlearned model of a run, on the CPU unless the run's own device is another, in eval mode.

    A classifier takes images (B, C, H, W) in [0, 1] and gives logits (B, classes). Where a run keeps what
    differs from the original alone, that comes from the hub or the store; one that the store has lost is
    trained again.

    Raises:
        InputError: no folder of a finished run, or one of another version of this program.
    """
    folder = Path(run_folder)
    with borrowed([f"method.path={folder}"]):
        from unlearn_cli.methods.checkpoint import method_of
        from unlearn_cli.models.base import WRITTEN
        from unlearn_cli.models.checkpoint import FACTS, WEIGHTS, load_into, read_facts
        from unlearn_cli.models.delta import delta_at, facts_of, load_delta

        config, choices = _run_of(folder)
        if own := next(folder.glob(f"{WRITTEN}*"), None):  # tells what the original's files told
            config["model"]["weights"] = str(own)
        if (folder / WEIGHTS).is_file():
            model = load_into(_built(config, read_facts(folder / FACTS)), folder, {})
        elif delta := delta_at(folder):
            model = _original(folder, config, choices, facts_of(delta) or {})
            method = method_of(folder)
            model = load_delta(method.restored(model, folder) if method else model, delta)
        else:
            raise InputError(f"{folder}: no model in that run's folder; the run's command makes it again")
        return model.eval()


def _run_of(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration and the choices of a finished run."""
    try:
        check_whole(folder, "load")
        config, result = read_config(folder, "load"), read_sealed(folder / RESULT)
    except FileNotFoundError as error:
        raise InputError(
            f"{folder}: no folder of a finished run (it has no {Path(error.filename).name}); "
            f"give one with {RESULT}"
        ) from error
    except Damaged as error:
        raise InputError(f"{folder}: {RESULT} is damaged ({error}); give another run") from error
    parts = (config.get("model"), config.get("method"), config.get("paths"), result.get("choices"))
    if not all(isinstance(part, dict) for part in parts):
        raise InputError(f"{folder}: no folder of a run of this version of unlearn; give another")
    return config, result["choices"]


def _built(config: dict[str, Any], facts: dict[str, Any]) -> Any:
    """The run's model, for the images that the facts tell of, its weights not read yet."""
    from unlearn_cli.config.settings import build
    from unlearn_cli.data.image_spec import ImageSpec

    size = tuple(facts["size"])
    spec = ImageSpec(facts["class_names"], facts["channels"], size, facts["mean"], facts["std"])
    return build(config["model"], "model").build(spec)


def _original(folder: Path, config: dict[str, Any], choices: dict[str, str], facts: dict[str, Any]) -> Any:
    """The model that the run started from."""
    from unlearn_cli.experiment import read
    from unlearn_cli.methods.original import Original
    from unlearn_cli.origins import Origins
    from unlearn_cli.storage.store import Store

    config["paths"]["store"] = str(_began_in(folder, config, choices) / config["paths"]["store"])
    experiment = read(OmegaConf.create(config), choices)
    if experiment.model.ready_made:
        return _built(config, facts)
    compute = experiment.compute()
    return Origins.of(experiment, compute, Store(experiment.paths.store, compute)).get(Original()).model


def _began_in(folder: Path, config: dict[str, Any], choices: dict[str, str]) -> Path:
    """Where the run's command was given: its relative paths start there."""
    below = folder_of_runs(config, choices)
    return Path.cwd() if below.is_absolute() else folder.resolve().parents[len(below.parts)]
