"""What a dotted name in a YAML stands for; what goes wrong with it, in a line."""

import importlib
import site
import sys
import sysconfig
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unlearn_cli.config.catalogue import PLUGINS
from unlearn_cli.config.classes import is_own, nearest_class
from unlearn_cli.errors import InputError, did_you_mean, in_a_line

INSTALLED = ("site-packages", "dist-packages")
IMPORTERS = ("<frozen importlib", importlib.__file__)


def imported(target: str, key: str) -> Any:
    """The thing of that dotted name, module.Class.

    Args:
        key: what names it, for messages.

    Raises:
        InputError: no such module, or one that fails as it is imported, or one that lacks the thing; a
            file of a plug-in that is hidden by another module of its name.
    """
    module, _, name = target.rpartition(".")
    _refuse_hidden(target, key)
    if not (is_own(target) or module in sys.modules or _is_users(target)):
        raise InputError(f"{key}: '{target}' is of no plug-in of this command; {_remedy(target)}")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}.") and not is_own(target):
            raise InputError(f"{key}: {_place(error)}: {error}; install it, or mend the file") from error
        raise InputError(f"{key}: cannot import '{target}' ({error}); {_remedy(target)}") from error
    except (ImportError, ValueError) as error:
        if is_own(target) or not module:
            raise InputError(f"{key}: cannot import '{target}' ({error}); {_remedy(target)}") from error
        raise _fails(error, key) from error
    except Exception as error:
        if is_own(target):
            raise
        raise _fails(error, key) from error
    try:
        return getattr(found, name)
    except AttributeError as error:
        if is_own(target):
            raise InputError(f"{key}: cannot import '{target}' ({error}); {_remedy(target)}") from error
        classes = [one for one, thing in vars(found).items() if getattr(thing, "__module__", "") == module]
        place = getattr(found, "__file__", None) or module
        raise InputError(
            f"{key}: {place} has no class '{name}'; {did_you_mean(name, classes, 'name one that it has')}"
        ) from error


def is_plugin(target: str) -> bool:
    """Whether its module lies in the folder of a plug-in of this command; nothing is imported."""
    place = place_of(target)
    return place is not None and any(
        place.parent == folder or folder.is_relative_to(place.parent) for folder in PLUGINS
    )


def is_installed(place: Path) -> bool:
    """Whether a module's file lies in an environment of Python."""
    return any(place.is_relative_to(one) for one in environments())


def _is_users(target: str) -> bool:
    """Whether its module is of a plug-in, or lies where the user has Python look, or is not to be found."""
    place = place_of(target)
    return place is None or is_plugin(target) or not is_installed(place)


def environments() -> list[Path]:
    """The folders of Python's own modules and of what is installed, on a cluster by its modules, too.

    A project may lie beside.
    """
    own = [place for name, place in sysconfig.get_paths().items() if name.endswith("lib")]
    others = [place for place in sys.path if Path(place).name in INSTALLED]
    places = (*own, *site.getsitepackages(), site.getusersitepackages(), *others)
    return [Path(place).resolve() for place in places]


def place_of(target: str) -> Path | None:
    """The file of the module, or of the package that it is in."""
    name = target.partition(".")[0]
    try:
        spec = find_spec(name) if name.isidentifier() else None
    except ValueError:  # `__main__`, a module that another program has made up
        spec = None
    if spec is None:
        return None
    if spec.has_location and spec.origin:
        return Path(spec.origin).resolve()
    if folders := [*(spec.submodule_search_locations or ())]:  # a package without __init__.py
        return Path(folders[0], "__init__.py").resolve()
    return Path(sysconfig.get_path("stdlib"), "built-in").resolve()


def _fails(error: Exception, key: str) -> InputError:
    return InputError(f"{key}: {_place(error)}: {type(error).__name__}: {in_a_line(error)}; mend it there")


def _place(error: Exception) -> str:
    """Where a file went wrong as it was imported: the last of its own lines that was reached."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent in PLUGINS]
    others = [frame for frame in frames if not frame.filename.startswith(IMPORTERS)]
    last = (own or others)[-1]
    return f"{last.filename}, line {last.lineno}"


def _remedy(target: str) -> str:
    if is_own(target):
        return nearest_class(target)
    file = target.partition(".")[0]
    return (
        f"name a class as module.Class, and put {file}.py into a folder that UNLEARN_PLUGINS or --config-dir "
        "names"
    )


def _refuse_hidden(target: str, key: str) -> None:
    """Plug-ins come last on Python's path: whatever else has the name of their file would be taken for it."""
    name = target.partition(".")[0]
    files = [file for folder in PLUGINS for file in (folder / f"{name}.py", folder / name / "__init__.py")]
    for file in filter(Path.is_file, files):
        spec = find_spec(name)
        first = (spec and spec.origin) or name
        if Path(first).resolve() != file.resolve():
            raise InputError(
                f"{key}: '{target}' would be taken from {first}, which has the name of {file}; rename yours"
            )
