"""`unlearn new KIND NAME [FOLDER]`: a plug-in, or a whole project, that works as it stands, to be changed."""

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from unlearn_cli.command.new_project import PROJECT, new_project
from unlearn_cli.command.skeleton import check_folder, write_filled
from unlearn_cli.config.catalogue import options
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.runtime.arguments import Parser

KINDS = ("method", "model", "data", "metric", "forget")
NAME = re.compile(r"[a-z][a-z0-9_]*")
PLUGINS = Path("plugins")
NO_FOLDER = "names no folder; give one, or a full stop for this one"
ONE_FOLDER = "takes one folder, in which the plug-ins have one of their own; put names with spaces in quotes"


def new(arguments: list[str]) -> None:
    """Write the plug-in's Python file, its YAML and its test, and say how to use them.

    Raises:
        InputError: a name that will not do, or a file that is there already; nothing is written.
    """
    parser = Parser(
        prog="unlearn new",
        description="A plug-in that works as it stands: FOLDER/NAME.py, FOLDER/KIND/NAME.yaml and its test; "
        "or a project in the folder NAME.",
    )
    parser.add_argument("kind", metavar="KIND", help=", ".join((*KINDS, PROJECT)))
    parser.add_argument(
        "name",
        metavar="NAME",
        help="of the option and of its file, with small letters, as in my_method; of a project its folder",
    )
    default = f"default: {PLUGINS}; a project has none"
    parser.add_argument("folder", metavar="FOLDER", nargs="?", type=Path, default=PLUGINS, help=default)
    read = parser.parse_args(arguments)
    if read.kind == PROJECT:
        if not read.name or read.folder != PLUGINS:
            raise InputError(f"new project: {NO_FOLDER if not read.name else ONE_FOLDER}")
        new_project(Path(read.name))
        return
    written = write(read.kind, read.name, read.folder)
    print(*written, sep="\n")
    place = quote(str(read.folder))
    print(f"to use it:  export UNLEARN_PLUGINS={place}; unlearn {read.kind}={read.name}")
    print(f"to test it: python -m pytest {quote(str(written[-1]))}")


def write(kind: str, name: str, folder: Path) -> list[Path]:
    """The files of a new plug-in: module, YAML, test."""
    _check(kind, name, folder)
    files = {
        folder / f"{name}.py": f"{kind}/module.py",
        folder / kind / f"{name}.yaml": f"{kind}/option.yaml",
        folder / f"test_{name}.py": f"{kind}/test.py",
    }
    return write_filled(files, name)


def _check(kind: str, name: str, folder: Path) -> None:
    if kind not in KINDS:
        raise InputError(f"'{kind}': no kind of plug-in; {did_you_mean(kind, (*KINDS, PROJECT))}")
    if not NAME.fullmatch(name):
        raise InputError(f"'{name}': a plug-in's name has small letters, digits and _ alone, as in my_{kind}")
    if keyword.iskeyword(name):
        raise InputError(f"'{name}': a word of Python itself, which names no module; take my_{name}")
    check_folder(folder)
    if name in {option.name for option in options(kind)}:
        raise InputError(f"'{name}': there is a {kind}={name} already; take another name")
    found = find_spec(name)
    if found and (not found.origin or Path(found.origin).resolve() != (folder / f"{name}.py").resolve()):
        raise InputError(f"'{name}': a module of that name is installed, and would hide yours; take another")
