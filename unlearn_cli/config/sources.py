"""The source of plug-ins, by which a result is known as much as by its configuration."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearn_cli.config.classes import is_own
from unlearn_cli.config.hashing import short_hash
from unlearn_cli.config.importing import is_installed, place_of

_IMPORTED: dict[str, str] = {}
"""The source of a plug-in's module when this process imported it."""


def sources(node: Any) -> dict[str, str]:
    """A hash of the source of every plug-in that a configuration, or a part of it, names; by its module.

    Of a module its file and those of the user's own that it imports, each where `import` is written; of a
    package all its files.
    """
    found = {module: source_of(module) for module in sorted({*_modules(node)})}
    return {module: source for module, source in found.items() if source}


def source_of(module: str) -> str | None:
    """The hash of a module's source; None: it is no plug-in's, or is not to be found."""
    return _hash(_files(module))


def import_changed_again(target: str) -> None:
    """Forget a plug-in that has been edited since this process imported it (a notebook's may be)."""
    if is_own(target):
        return
    module, files = target.partition(".")[0], _files(target)
    if not (source := _hash(files)):
        return
    if module in sys.modules and _IMPORTED.get(module, source) != source:
        edited = {name.partition("/")[0].removesuffix(".py") for name in files}
        for name in [name for name in sys.modules if name.partition(".")[0] in edited]:
            del sys.modules[name]
    _IMPORTED[module] = source


def _files(module: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    _collect(module.partition(".")[0], found)
    return found


def _hash(files: dict[str, Path]) -> str | None:
    parts = (part for name in sorted(files) for part in (name.encode() + b"\0", files[name].read_bytes()))
    return short_hash(parts) if files else None


def _modules(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(target := node.get("_target_"), str):
            yield target.partition(".")[0]
        for value in node.values():
            yield from _modules(value)
    elif isinstance(node, list):
        for value in node:
            yield from _modules(value)


def _collect(name: str, files: dict[str, Path]) -> None:
    """Add the files of a module or package at the top of Python's path, and of what it imports."""
    place = None if is_own(name) or f"{name}.py" in files else place_of(name)
    if place is None or (files and is_installed(place)):  # the first is a plug-in wherever it lies
        return
    if place.name == "__init__.py":
        own = {path.relative_to(place.parents[1]).as_posix(): path for path in place.parent.rglob("*.py")}
        if own.keys() <= files.keys():
            return
    elif place.suffix == ".py":
        own = {place.name: place}
    else:
        return
    files |= own
    for path in own.values():
        for imported in {*_imported(path)}:
            _collect(imported, files)


def _imported(path: Path) -> Iterator[str]:
    """The top of each dotted name that a file imports."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # told where it is imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
