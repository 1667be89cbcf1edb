"""Hydra's way in for sweeps: the combinations are composed here and handed to unlearn_cli.sweep.

Plugins must live in the namespace `hydra_plugins`. Hydra imports this file at every start: nothing heavy.
"""

from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class Grid(BasicSweeper):
    """Hydra's own grid; a sweep's record is written by the sweep, so there is no multirun.yaml."""

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context
        assert self.launcher
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        (batch,) = self.split_arguments(parser.parse_overrides([*self._parse_config(), *arguments]), None)
        return self.launcher.launch(batch, initial_job_idx=0)


class SweepLauncher(Launcher):
    """Composes every run, then leaves the sweep to `unlearn_cli.sweep`.

    Args:
        where: here | processes | slurm.
        settings: the other keys of `hydra.launcher`, see unlearn_cli/sweep/settings.py.
    """

    def __init__(self, where: str, **settings: Any) -> None:
        self.where = where
        self.settings = settings

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader = hydra_context.config_loader
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        from unlearn_cli.cli import chosen, sweep

        setup_globals()
        composed = []
        for overrides in job_overrides:
            config = self.loader.load_sweep_config(self.config, list(overrides))
            task = OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
            composed.append((list(overrides), task, chosen(config.hydra)))
        sweep(self.where, OmegaConf.to_container(OmegaConf.create(self.settings)), composed)
        return []
