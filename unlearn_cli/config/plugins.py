"""Plug-ins: methods, models, data, metrics, … of the user's own, found without PYTHONPATH.

A plug-in's folder is laid out as conf/ is, its Python files beside the groups:

    FOLDER/method/mine.yaml      with `_target_: mine.Mine`
    FOLDER/mine.py

It is named by the environment variable UNLEARN_PLUGINS (several with `:` between, `;` on Windows), by
`--config-dir`, or by an installed package's entry point in the group `unlearn_cli.plugins`, whose value is
the package in whose folder the groups stand.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from unlearn_cli.config.catalogue import (
    PLUGINS,
    TUNED,
    VALUES,
    conf_folder,
    config_folders,
    group_folders,
    tuning_folder,
)
from unlearn_cli.errors import InputError

VARIABLE = "UNLEARN_PLUGINS"
ENTRY_POINTS = "unlearn_cli.plugins"


@contextmanager
def used(arguments: Sequence[str]) -> Iterator[None]:
    """The plug-ins of a command with these arguments are known within the block.

    Their YAML to the catalogue and to Hydra (hydra_plugins/unlearn_plugins.py), their modules to Python: at
    the end of its path, so that they hide nothing.

    Raises:
        InputError: a folder that is not there, or a YAML file that has the name of another.
    """
    own = [*_named_by_variable(), *_named_by_flag(arguments)]
    folders = [*dict.fromkeys([*own, *_installed(), *_of_tuning(arguments)])]
    _refuse_doubles(folders)
    before, path = [*PLUGINS], [*sys.path]
    PLUGINS[:] = folders
    sys.path += [str(folder) for folder in dict.fromkeys(own)]
    try:
        yield
    finally:
        PLUGINS[:], sys.path[:] = before, path


def _named_by_variable() -> Iterator[Path]:
    for name in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        folder = Path(name).expanduser().resolve()
        if not folder.is_dir():
            raise InputError(
                f"{VARIABLE}: no such folder '{name}'; give one with YAML of your own (method/mine.yaml …), "
                f"several with '{os.pathsep}' between"
            )
        yield folder


def _named_by_flag(arguments: Sequence[str]) -> Iterator[Path]:
    for folder in config_folders([*arguments]):
        if not folder.is_dir():
            raise InputError(
                f"--config-dir: no such folder '{folder}'; give one with YAML of your own "
                "(method/mine.yaml …)"
            )
        yield folder.resolve()


def _of_tuning(arguments: Sequence[str]) -> Iterator[Path]:
    """The folder whose values are taken; its YAML alone is looked for."""
    if folder := tuning_folder(arguments):
        place = Path(folder).expanduser()
        if not (place / VALUES).is_dir():
            raise InputError(
                f"{TUNED}: '{folder}' holds no values of a tuning; give the folder that unlearn tune wrote "
                "(into=FOLDER, by default outputs/tuned)"
            )
        yield place.resolve()


def _installed() -> Iterator[Path]:
    """The folders of packages that have an entry point; nothing of them is imported."""
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        package, *inside = point.module.split(".")
        found = find_spec(package)
        places = [Path(place, *inside) for place in (found and found.submodule_search_locations) or ()]
        folder = next((place for place in places if place.is_dir()), None)
        if folder is None:
            raise InputError(
                f"plug-in '{point.name}': '{point.module}' is no folder of an installed package; its entry "
                f"point in the group {ENTRY_POINTS} has to name the one with its YAML (method/mine.yaml …)"
            )
        yield folder.resolve()


def _refuse_doubles(folders: Sequence[Path]) -> None:
    """Of two files of the same name in a group, Hydra would take the first without a word."""
    known: dict[Path, Path] = {}
    for folder in folders:
        for group in group_folders():
            for path in (folder / group).rglob("*.yaml"):
                name = path.relative_to(folder)
                first = known.setdefault(name, conf_folder() / name)
                if first.exists():
                    whose = "unlearn" if first == conf_folder() / name else first
                    raise InputError(f"{path}: there is a {name} already, of {whose}; give it another name")
                known[name] = path
