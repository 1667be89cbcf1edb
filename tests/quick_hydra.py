"""Hydra composes in a fraction of the time, to the same configuration: the tests do it thousands of times."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hydra._internal import config_loader_impl
from hydra._internal import defaults_list as hydras_list
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository
from hydra._internal.defaults_list import DefaultsList, Overrides
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig

from unlearn_cli.config.catalogue import conf_folder

Plugins.instance()  # registers the sources: the class that Hydra uses is not the one that can be imported
FILES = SourcesRegistry.instance().resolve("file")
OURS = {str(conf_folder())}
_load_config, _get_mode = FILES.load_config, Hydra.get_mode
_result = ConfigRepository.load_config
_listed, _mapped = hydras_list.create_defaults_list, hydras_list._create_interpolation_map
_composed = ConfigLoaderImpl._compose_config_from_defaults_list
_parsed: dict[tuple[object, ...], bytes] = {}
_results: dict[str, bytes] = {}
_lists: dict[tuple[object, ...], DefaultsList] = {}
_configurations: dict[tuple[object, ...], bytes] = {}


@contextmanager
def quick_hydra() -> Iterator[None]:
    with (
        patch.object(FILES, "load_config", load_config),
        patch.object(ConfigRepository, "load_config", result),
        patch.object(Hydra, "get_mode", get_mode),
        patch.object(config_loader_impl, "create_defaults_list", defaults_list),
        patch.object(hydras_list, "_create_interpolation_map", interpolation_map),
        patch.object(ConfigLoaderImpl, "_compose_config_from_defaults_list", configuration),
    ):
        yield


def load_config(source: ConfigSource, config_path: str) -> ConfigResult:
    """As Hydra's; a file is parsed once while it stays as it is. Pickled: deepcopy takes twice the time."""
    file = Path(source.path, source._normalize_file_name(config_path))
    if not file.is_file():
        return _load_config(source, config_path)
    state = file.stat()
    key = (source.provider, source.path, file, state.st_ino, state.st_mtime_ns, state.st_size)
    if key not in _parsed:
        _parsed[key] = pickle.dumps(_load_config(source, config_path))
    found: ConfigResult = pickle.loads(_parsed[key])
    return found


def result(repo: ConfigRepository, config_path: str) -> ConfigResult | None:
    """As Hydra's; a shipped option's defaults are read once, too."""
    if not only_ours(repo):
        return _result(repo, config_path)
    if config_path not in _results:
        _results[config_path] = pickle.dumps(_result(repo, config_path))
    found: ConfigResult | None = pickle.loads(_results[config_path])
    return found


def get_mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    """The value of hydra.mode, for which Hydra composes everything: here only where something may set it."""
    may_be_set = any("hydra.mode" in override or "experiment" in override for override in overrides)
    return _get_mode(hydra, config_name, overrides) if may_be_set else None


def defaults_list(
    repo: Any,
    config_name: str | None,
    overrides_list: list[Override],
    prepend_hydra: bool,
    skip_missing: bool,
) -> DefaultsList:
    """As Hydra's; that of a choice of options is made once, whatever values go with it."""
    values = Overrides(repo, overrides_list).config_overrides
    options = tuple(o.input_line for o in overrides_list if not any(o is value for value in values))
    key = (config_name, options, prepend_hydra, skip_missing)
    if key in _lists and only_ours(repo):
        return replace(_lists[key], config_overrides=values)
    found = _listed(repo, config_name, overrides_list, prepend_hydra, skip_missing)
    if only_ours(repo):
        _lists[key] = found
    return found


def interpolation_map(overrides: Overrides, defaults_list: list[Any], self_added: bool) -> DictConfig | None:
    """As Hydra's, which makes one for each file; none where no option is named by another's."""
    asked = any(default.is_interpolation() for default in defaults_list)
    return _mapped(overrides, defaults_list, self_added) if asked else None


def configuration(loader: ConfigLoaderImpl, defaults: list[Any], repo: Any) -> DictConfig:
    """As Hydra's, before any value of the command line; of the same options it is put together once."""
    key = tuple(map(repr, defaults))
    if key not in _configurations or not only_ours(repo):
        made = _composed(loader, defaults, repo)
        if not only_ours(repo):
            return made
        _configurations[key] = pickle.dumps(made)
    found: DictConfig = pickle.loads(_configurations[key])
    return found


def only_ours(repo: Any) -> bool:
    """Whether all files are the shipped ones, which stay as they are: no folder of plug-ins among them."""
    folders = {source.path for source in repo.get_sources() if source.scheme() == "file"}
    return folders == OURS
