"""A run's config.yaml as another command reads it: data, whoever wrote it."""

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.config.classes import is_own
from unlearn_cli.config.importing import is_plugin
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.run_folder import CONFIG, check_sealed

MOST_NODES = 100_000
"""Mappings and lists of a configuration; some lines of YAML can stand for more than any memory holds."""


def read_yaml(file: Path) -> dict[str, Any]:
    """A mapping in a YAML file.

    Raises:
        Damaged: no YAML, no mapping, nested too deeply, or grown by references. FileNotFoundError,
        PermissionError.
    """
    try:
        text = file.read_text(encoding="utf-8")
        # a name that is not UTF-8 (`\\uDC…`) is beyond the quick loader
        loader = yaml.SafeLoader if "\\udc" in text.lower() else yaml.CSafeLoader
        content = yaml.load(text, loader)
    except (FileNotFoundError, PermissionError):
        raise
    except RecursionError as error:
        raise Damaged("nested too deeply") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise Damaged(in_a_line(error)) from error
    if not isinstance(content, dict):
        raise Damaged("it holds no keys")
    if next(islice(_nodes(content), MOST_NODES, None), None) is not None:
        raise Damaged("it grows without end by references to its own parts")
    return content


def read_config(folder: Path, key: str) -> dict[str, Any]:
    """The configuration of a run, as it was when the run ended.

    Raises:
        InputError: damaged, or it names a class that is neither the package's nor of a plug-in of this
            command: to look at a run must run no code of the run's. FileNotFoundError.
    """
    try:
        check_sealed(folder, [CONFIG])
        config = read_yaml(folder / CONFIG)
    except Damaged as error:
        raise InputError(
            f"{key}: {folder / CONFIG} is damaged ({error}); give the folder of another run, or that run's "
            "command again"
        ) from error
    for node in _nodes(config):
        target = node.get("_target_") if isinstance(node, dict) else None
        if target is not None and not _is_known(target):
            raise InputError(
                f"{key}: {folder / CONFIG} names the class {str(target)[:80]!r}, which is not of unlearn "
                "nor of a plug-in of this command; if you trust it, name the plug-in in this command too"
            )
    return config


def check_whole(path: Path, key: str) -> None:
    """InputError: a file of a finished run has changed since; `path`: its folder or one of its files."""
    folder, names = (path, None) if path.is_dir() else (path.parent, [path.name])
    try:
        check_sealed(folder, names)
    except Damaged as error:
        raise InputError(
            f"{key}: {folder} is damaged ({error}); give that run's command again, or another path"
        ) from error


def _is_known(target: Any) -> bool:
    """Whether importing it runs no code but that of the package and of this command's plug-ins."""
    if not isinstance(target, str):
        return False
    return is_own(target) or target.rpartition(".")[0] in sys.modules or is_plugin(target)


def _nodes(content: Any) -> Iterator[Any]:
    """Every mapping and list, as often as it is referred to."""
    left = [content]
    while left:
        node = left.pop()
        if isinstance(node, dict | list):
            yield node
            left += node.values() if isinstance(node, dict) else node
