"""Composing the many runs of a sweep: each choice of options once, however many values it is run with."""

import copy
import pickle
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.defaults_list import Overrides
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf, open_dict


class SweepComposer:
    """Makes of a run's overrides the configuration that Hydra's own `load_sweep_config` makes of them.

    Hydra composes in two steps: the options of groups give a defaults list and so a configuration; values
    then change it. The first step takes fifty times as long, and is the same for runs that differ in values.
    """

    def __init__(self, loader: ConfigLoaderImpl, master: DictConfig):
        """
        Args:
            loader: Hydra's.
            master: the configuration that Hydra composed for the sweep as a whole.
        """
        self.loader = copy.copy(loader)
        self.loader.repository = ParsedOnce(loader.config_search_path)
        self.master = master
        of_hydra: Any = OmegaConf.to_container(master.hydra.overrides.hydra)
        _, self.repository = self.loader._parse_overrides_and_create_caching_repo(
            master.hydra.job.config_name, of_hydra
        )
        self.with_options: dict[tuple[str | None, ...], tuple[bytes, dict[str, Any]]] = {}

    def compose(self, overrides: list[str]) -> tuple[DictConfig, dict[str, Any]]:
        """The run's configuration without Hydra's own node, and the choice of every group.

        Raises:
            HydraException: an override cannot be read, or does not fit.
        """
        parsed = OverridesParser.create().parse_overrides(overrides)
        values = Overrides(self.repository, parsed).config_overrides
        options = tuple(o.input_line for o in parsed if not any(o is value for value in values))
        if options not in self.with_options:
            self.with_options[options] = self._compose_options([*filter(None, options)])
        pickled, choices = self.with_options[options]
        config: DictConfig = pickle.loads(pickled)
        self.loader._apply_overrides_to_config(values, config)
        return config, choices

    def _compose_options(self, options: list[str]) -> tuple[bytes, dict[str, Any]]:
        """The configuration of these options (pickled: a copy by that takes half of deepcopy's time)."""
        config = self.loader.load_sweep_config(self.master, options)
        choices: Any = OmegaConf.to_container(config.hydra.runtime.choices)
        with open_dict(config):
            del config["hydra"]
        return pickle.dumps(config), choices


class ParsedOnce(ConfigRepository):
    """Hydra's view of the configuration folders, in which no file is parsed a second time."""

    def __init__(self, folders: ConfigSearchPath):
        super().__init__(folders)
        self.parsed: dict[str, ConfigResult | None] = {}

    def __deepcopy__(self, memo: dict[int, Any]) -> "ParsedOnce":
        return copy.copy(self)  # Hydra copies it for each composition, to add hydra.searchpath to its folders

    def load_config(self, config_path: str) -> ConfigResult | None:
        if config_path not in self.parsed:
            self.parsed[config_path] = super().load_config(config_path)
        return copy.deepcopy(self.parsed[config_path])
