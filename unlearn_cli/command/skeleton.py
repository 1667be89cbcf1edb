"""Files that `unlearn new` writes, made from those in skeletons/."""

from collections.abc import Mapping
from pathlib import Path
from string import Template

from unlearn_cli.errors import InputError

SKELETONS = Path(__file__).with_name("skeletons")


def write_filled(files: Mapping[Path, str], name: str) -> list[Path]:
    """Write each file from the skeleton of that name (`model/module.py`).

    Raises:
        InputError: one is there already, and nothing is written; or nothing can be.
    """
    if there := next((file for file in files if file.exists()), None):
        raise InputError(f"{there}: is there already; take another name or folder")
    for file, skeleton in files.items():
        text = (SKELETONS / f"{skeleton}.txt").read_text(encoding="utf-8")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(filled(text, name), encoding="utf-8")
        except OSError as error:
            raise InputError(f"{file}: cannot be written ({error.strerror}); name another folder") from error
    return list(files)


def filled(skeleton: str, name: str) -> str:
    """A skeleton with the name (`my_method`) and its class' (`MyMethod`)."""
    return Template(skeleton).substitute(name=name, Name="".join(map(str.capitalize, name.split("_"))))


def check_folder(folder: Path) -> None:
    """InputError: it is a file, or lies in one."""
    above = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not above.is_dir():
        raise InputError(f"{folder}: a file, where the folder was to be; name a folder")
