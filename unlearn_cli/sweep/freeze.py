"""Code and configuration as they were at submission: jobs import a copy, whatever is edited later."""

import shutil
import sys
from pathlib import Path

from unlearn_cli.config.catalogue import PLUGINS, conf_folder
from unlearn_cli.config.hashing import short_hash
from unlearn_cli.config.importing import environments
from unlearn_cli.storage.environment import FROZEN, PACKAGE, source
from unlearn_cli.storage.files import write_json

LEFT_OUT = ("__pycache__", "conf")  # conf/ goes inside the package, as in a wheel
OWN = (".py", ".yaml", ".yml")
"""Of the user's own packages: data, keys and histories beside them stay where they are."""


def freeze(folder: Path) -> Path:
    """Copy the package, conf/ and every module of the user's own into `folder`/<their hash>."""
    package = PACKAGE
    files = _files(package, package.name) | _files(conf_folder(), f"{package.name}/conf")
    for name, place in own_modules().items():
        own = {f"{name}.py": place} if place.is_file() else _files(place, name)
        files |= {target: file for target, file in own.items() if file.suffix in OWN}
    copy = folder / short_hash(target.encode() + files[target].read_bytes() for target in sorted(files))
    if not copy.exists():
        partial = copy.with_name(copy.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for target, origin in files.items():
            (partial / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin, partial / target)
        write_json(partial / package.name / FROZEN.name, source())
        partial.rename(copy)
    return copy


def own_modules() -> dict[str, Path]:
    """Modules and packages that no environment holds, by name: their file or folder.

    Those that are imported, and those that lie beside a plug-in's YAML.
    """
    installed, found = environments(), {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if "." in name or name in ("__main__", PACKAGE.name) or not str(file).endswith(".py"):
            continue
        place = Path(str(file)).resolve()
        if not _within(place, installed):
            found[name] = place.parent if place.name == "__init__.py" else place
    beside = [file for folder in PLUGINS for file in folder.glob("*.py")]  # may be imported later
    return {file.stem: file for file in beside if not _within(file, installed)} | found


def _within(place: Path, folders: list[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)


def _files(folder: Path, target: str) -> dict[str, Path]:
    """The files below a folder by their place in the copy."""
    found = {}
    for path in folder.rglob("*"):
        inside = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in inside.parts)
        if (
            path.is_file()
            and not hidden
            and not set(LEFT_OUT) & set(inside.parts[:-1])
            and path.suffix != ".pyc"
        ):
            found[f"{target}/{inside.as_posix()}"] = path
    return found
