"""Hydra composes in half the time, to the same configuration: the tests call the command a thousand times."""

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigResult, ConfigSource

Plugins.instance()  # registers the sources: the class that Hydra uses is not the one that can be imported
FILES = SourcesRegistry.instance().resolve("file")
_load_config, _get_mode = FILES.load_config, Hydra.get_mode
_parsed: dict[tuple[object, ...], bytes] = {}


@contextmanager
def quick_hydra() -> Iterator[None]:
    with patch.object(FILES, "load_config", load_config), patch.object(Hydra, "get_mode", get_mode):
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
    result: ConfigResult = pickle.loads(_parsed[key])
    return result


def get_mode(hydra: Hydra, config_name: str | None, overrides: list[str]) -> Any:
    """The value of hydra.mode, for which Hydra composes everything: here only where something may set it."""
    may_be_set = any("hydra.mode" in override or "experiment" in override for override in overrides)
    return _get_mode(hydra, config_name, overrides) if may_be_set else None
