"""Where a run's folder is: a function of what moves its numbers, so that the same command finds it again."""

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from unlearn_cli.config.dormant import SEARCH
from unlearn_cli.config.seeds import seed_text, stage_seeds
from unlearn_cli.errors import InputError


def resolved(config: DictConfig) -> dict[str, Any]:
    """A composed configuration as plain values.

    Raises:
        InputError: a value is missing, or refers to what is not there; a method that was not tuned.
    """
    try:
        plain: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        wrong = "missing" if isinstance(error, MissingMandatoryValue) else str(error).splitlines()[0]
        raise InputError(f"{error.full_key}: {wrong}; set {error.full_key}=…") from error
    if plain.get("tuned") and not plain.get("tuning") and plain["method"].get(SEARCH):
        raise InputError(
            f"tuned: '{plain['tuned']}' holds no values of this method for these data and this forget set; "
            "unlearn tune finds them, tuned=null does without"
        )
    return plain


def run_path(config: dict[str, Any], choices: dict[str, str], key: str) -> Path:
    """outputs/<task>/<data>/<model>/<forget>/<method>-s<seed>-<hash of all that can move a number>.

    The seed is the training's; a method's own follows as `-m<seed>`.

    Args:
        config: the resolved configuration.
        choices: option by group.
        key: of the run's identity; see storage/identity.py.
    """
    seeds = stage_seeds(config)
    told = seed_text(seeds["train"], seeds["method"])
    return folder_of_runs(config, choices) / f"{choices['method']}-{told}-{key[:8]}"


def folder_of_runs(config: dict[str, Any], choices: dict[str, str]) -> Path:
    """Where the runs of these choices lie, whatever their method and values."""
    above = [choices[group] for group in ("task", "data", "model", "forget")]
    return Path(config["paths"]["outputs"]).joinpath(*above)
