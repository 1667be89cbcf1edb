"""`unlearn new KIND NAME [FOLDER]`: a plug-in that works as it stands, for its author to change."""

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from string import Template

from unlearn_cli.config.catalogue import options
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.runtime.arguments import Parser

SKELETONS = Path(__file__).with_name("skeletons")
KINDS = ("method", "model", "data", "metric", "forget")
NAME = re.compile(r"[a-z][a-z0-9_]*")


def new(arguments: list[str]) -> None:
    """Write the plug-in's Python file, its YAML and its test, and say how to use them.

    Raises:
        InputError: a name that will not do, or a file that is there already; nothing is written.
    """
    parser = Parser(
        prog="unlearn new",
        description="A plug-in that works as it stands: FOLDER/NAME.py, FOLDER/KIND/NAME.yaml and its test.",
    )
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument(
        "name", metavar="NAME", help="of the option and of its file; with small letters, as in my_method"
    )
    default = "default: plugins"
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", type=Path, default=Path("plugins"), help=default
    )
    read = parser.parse_args(arguments)
    written = write(read.kind, read.name, read.folder)
    print(*written, sep="\n")
    print(f"to use it:  export UNLEARN_PLUGINS={read.folder}; unlearn {read.kind}={read.name}")
    print(f"to test it: python -m pytest {written[-1]}")


def write(kind: str, name: str, folder: Path) -> list[Path]:
    """The files of a new plug-in: module, YAML, test."""
    _check(kind, name, folder)
    files = {
        folder / f"{name}.py": "module",
        folder / kind / f"{name}.yaml": "option",
        folder / f"test_{name}.py": "test",
    }
    if there := next((file for file in files if file.exists()), None):
        raise InputError(f"{there}: is there already; take another name or folder")
    for file, part in files.items():
        skeleton = SKELETONS / kind / f"{part}{file.suffix}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(filled(skeleton.read_text(encoding="utf-8"), name), encoding="utf-8")
    return list(files)


def filled(skeleton: str, name: str) -> str:
    """A skeleton with the name (`my_method`) and its class' (`MyMethod`)."""
    return Template(skeleton).substitute(name=name, Name="".join(map(str.capitalize, name.split("_"))))


def _check(kind: str, name: str, folder: Path) -> None:
    if kind not in KINDS:
        raise InputError(f"'{kind}': no kind of plug-in; {did_you_mean(kind, KINDS)}")
    if not NAME.fullmatch(name):
        raise InputError(f"'{name}': a plug-in's name has small letters, digits and _ alone, as in my_{kind}")
    if keyword.iskeyword(name):
        raise InputError(f"'{name}': a word of Python itself, which names no module; take my_{name}")
    above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not above.is_dir():
        raise InputError(f"{folder}: a file, where the folder of the plug-in was to be; name a folder")
    if name in {option.name for option in options(kind)}:
        raise InputError(f"'{name}': there is a {kind}={name} already; take another name")
    found = find_spec(name)
    if found and (not found.origin or Path(found.origin).resolve() != (folder / f"{name}.py").resolve()):
        raise InputError(f"'{name}': a module of that name is installed, and would hide yours; take another")
