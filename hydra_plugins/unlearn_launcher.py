"""Hydra's way in for sweeps: the combinations are composed here and handed to unlearn_cli.sweep.

Plugins must live in the namespace `hydra_plugins`. Hydra imports this file at every start: nothing heavy.
"""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from unlearn_cli.config.overrides import each_as_typed
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.garbage import no_collection

ALL_SUBSETS = "forget.domains=all_subsets"


class Grid(BasicSweeper):
    """Hydra's own grid, in which domains can be forgotten in all combinations.

    A sweep's record is written by the sweep, so there is no multirun.yaml.
    """

    def sweep(self, arguments: list[str]) -> Any:
        assert self.hydra_context
        assert self.config
        if not isinstance(
            self.launcher, SweepLauncher
        ):  # it would run what is to be planned, and record nothing
            other = self.config.hydra.runtime.choices["hydra/launcher"]
            raise InputError(
                f"hydra/launcher: '{other}' is none of unlearn's; there are: local, processes, slurm"
            )
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        for one in overrides:
            if one.is_sweep_override() and not one.is_discrete_sweep():
                raise InputError(f"{one.input_line}: a grid takes values one by one; give them, or range(3)")
            if one.is_discrete_sweep() and not [*one.sweep_string_iterator()]:
                raise InputError(f"{one.input_line}: a sweep over no value; range(3) is 0, 1, 2")
        values = {one.get_key_element(): each_as_typed(one) for one in overrides}  # of a key twice the last
        runs = [run for grid in product(*values.values()) for run in self._with_subsets(list(grid))]
        return self.launcher.launch(runs, initial_job_idx=0)

    def _with_subsets(self, overrides: list[str]) -> list[list[str]]:
        """The run; where it forgets `all_subsets`, a run for each choice of some of the data's domains."""
        if ALL_SUBSETS not in overrides:
            return [overrides]
        others = [override for override in overrides if override != ALL_SUBSETS]
        assert self.hydra_context
        config = self.hydra_context.config_loader.load_sweep_config(self.config, others)
        domains = list(config.data.get("domains") or [])
        if len(domains) < 2:
            raise InputError(
                "forget.domains: all_subsets takes data.domains, two names at least, and these data have "
                f"{len(domains)}; name the domains to forget"
            )
        sizes = range(1, len(domains))
        subsets = [subset for size in sizes for subset in combinations(domains, size)]
        return [[*others, f"forget.domains=[{','.join(subset)}]"] for subset in subsets]


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
        from unlearn_cli.cli import sweep
        from unlearn_cli.config.composing import chosen_options
        from unlearn_cli.config.sweep_composer import SweepComposer

        setup_globals()
        composer = SweepComposer(self.loader, self.config)
        composed = []
        with no_collection():
            for overrides in job_overrides:
                config, choices = composer.compose(list(overrides))
                composed.append((list(overrides), config, chosen_options(choices)))
        sweep(self.where, OmegaConf.to_container(OmegaConf.create(self.settings)), composed)
        return []
