"""Hydra's way in for plug-ins: their folders are looked through for options after conf/."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from unlearn_cli.config.catalogue import PLUGINS


class PluginFolders(SearchPathPlugin):
    """Asked at each composition; `unlearn_cli.config.plugins.used` says which folders there are."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in PLUGINS:
            search_path.append("unlearn plug-ins", f"file://{folder}")
