"""From a command line's arguments to Hydra's configuration, within this process."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.singleton import Singleton
from hydra.version import VersionBase
from omegaconf import DictConfig, OmegaConf

from unlearn_cli.config.catalogue import conf_folder, implied_choices
from unlearn_cli.config.overrides import readable
from unlearn_cli.errors import InputError


def composed(arguments: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The configuration of a single run without Hydra's own node, and the option of each group."""
    with initialized():
        config = compose("config", overrides_of(arguments), return_hydra_config=True)
    choices = chosen_options(config.hydra.runtime.choices)
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]), choices


def composed_launcher(arguments: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Where a sweep of these arguments runs (here, processes, slurm), and the settings of that.

    InputError: a launcher that is none of unlearn's.
    """
    with initialized():
        config = compose("config", overrides_of(arguments), return_hydra_config=True)
    node: Any = OmegaConf.to_container(config.hydra.launcher, resolve=True)
    if "where" not in node:
        other = config.hydra.runtime.choices["hydra/launcher"]
        raise InputError(
            f"hydra/launcher: '{other}' is none of unlearn's; there are: local, processes, slurm"
        )
    return node["where"], {name: value for name, value in node.items() if name not in ("_target_", "where")}


def chosen_options(choices: Mapping[str, str | None]) -> dict[str, str]:
    """The option of every group, where one was chosen; of `metric`, which takes several, the keys tell."""
    return {group: choice for group, choice in choices.items() if choice and group != "metric"}


def initialized() -> initialize_config_dir:
    """Hydra with our configuration folder, for a block."""
    return initialize_config_dir(str(conf_folder()), version_base="1.3")


def overrides_of(arguments: Sequence[str]) -> list[str]:
    """Arguments as Hydra composes them: with what they bring along, without what `plugins.used` has read."""
    overrides = readable(argument for argument in arguments if not argument.startswith("--config-dir="))
    return [*overrides, *implied_choices(overrides)]


@contextmanager
def hydra_of_our_own() -> Iterator[None]:
    """Hydra knows one application in a process: another's is put aside, and is back after the block."""
    of_an_application: tuple[Any, ...] = (GlobalHydra, HydraConfig, VersionBase)
    there: dict[Any, Any] = Singleton._instances
    kept = {kind: there.pop(kind) for kind in of_an_application if kind in there}
    try:
        yield
    finally:
        for kind in of_an_application:
            there.pop(kind, None)
        there.update(kept)
