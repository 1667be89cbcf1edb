"""What can be chosen, read from the YAML files' opening lines; imports nothing heavy."""

from collections.abc import Iterable
from dataclasses import dataclass
from errno import ENAMETOOLONG
from itertools import pairwise
from pathlib import Path

BRINGS = "# Brings: "
TASKS = "# Tasks: "
ALL_BUT = "all but "
NO_DESCRIPTION = ("@package", "yaml-language-server:")
"""How comments begin that say something to Hydra or to an editor."""
CONFIG_DIR = ("--config-dir", "-cd")
PLACED = frozenset({"optim", "sampler", "lower", "attack", "membership"})
"""Groups whose options are chosen for a place (optim@method=…)."""
GIVEN = "given"
"""Folder, in that of a group, of the keys that a task gives to every option of it."""
VALUES = "values"
"""Folder, in that of a tuning, of the values it has found, and the group of these files."""
TUNED = "tuned"
"""The key that names the folder of a tuning."""
PLUGINS: list[Path] = []
"""Folders of the plug-ins in use, looked at after conf/; see plugins.py."""


@dataclass(frozen=True)
class Option:
    """One file of a group: its name, the command and the line that describe it."""

    name: str
    command: str
    description: str
    path: Path

    @property
    def is_plugin(self) -> bool:
        """Whether it is the user's own."""
        return not self.path.is_relative_to(conf_folder())


def conf_folder() -> Path:
    """conf/"""
    return _shipped("conf")


def docs_folder() -> Path:
    """docs/"""
    return _shipped("docs")


def _shipped(name: str) -> Path:
    """A folder beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parents[1]
    inside = package / name
    return inside if inside.is_dir() else package.parent / name


def groups() -> list[str]:
    """What is chosen by `group=option`. `recipe` follows from the others."""
    return sorted(group_folders() - PLACED - {"recipe", "hydra"})


def group_folders() -> set[str]:
    """The folders of conf/, and that of the group `metric`, of which all options are plug-ins'."""
    return {path.name for path in conf_folder().iterdir() if path.is_dir()} | {"metric"}


def file_of(name: str) -> Path:
    """The YAML file of that name (`method/ft.yaml`), in conf/ or else in a plug-in's folder."""
    places = [folder / name for folder in (conf_folder(), *PLUGINS)]
    return next((place for place in places if _is_file(place)), places[0])


def _is_file(path: Path) -> bool:
    """False, too, for a value of the command line that is longer than any file's name."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise
        return False


def implied_choices(arguments: list[str]) -> list[str]:
    """Choices that chosen options bring along, where the command line says nothing of their groups.

    A YAML's line `# Brings: data=generated` says so: Hydra lets an option choose for groups above it alone.
    """
    found = []
    for group, _, names in (argument.partition("=") for argument in arguments):
        for name in names.split(","):
            path = file_of(f"{group}/{name}.yaml")
            if _is_file(path):
                for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                    if line.startswith(BRINGS):
                        found += line.removeprefix(BRINGS).split()
    given = {argument.partition("=")[0] for argument in arguments}
    if tuning_folder(arguments):
        found.append(f"{VALUES}=${{task}}/${{data}}/${{forget}}/${{method}}")
    return [choice for choice in dict.fromkeys(found) if choice.partition("=")[0] not in given]


def tuning_folder(arguments: Iterable[str]) -> str | None:
    """The folder whose values are taken (`tuned=FOLDER`); None: no other than the options' own."""
    given = [value for key, _, value in (one.partition("=") for one in arguments) if key.lstrip("+") == TUNED]
    folder = given[-1].strip("\"'") if given else ""
    return None if folder in ("", "null") else folder


def joined(arguments: Iterable[str]) -> list[str]:
    """The arguments, a flag and its folder as one: a folder may have a name like an override's."""
    found: list[str] = []
    for argument in arguments:
        if found and found[-1] in CONFIG_DIR:
            found[-1] = f"--config-dir={argument}"
        else:
            found.append(argument)
    return found


def config_folders(arguments: list[str]) -> tuple[Path, ...]:
    """The folders given by --config-dir."""
    found = [value for flag, value in pairwise(arguments) if flag in CONFIG_DIR]
    found += [a.split("=", 1)[1] for a in arguments if a.startswith("--config-dir=")]
    return tuple(Path(folder) for folder in found)


def options(group: str) -> list[Option]:
    """The options of a group, sorted by name, those of plug-ins included."""
    found = {}
    for folder in (conf_folder(), *PLUGINS):
        for path in sorted((folder / group).rglob("*.yaml")):
            above = path.relative_to(folder / group).parents[:-1]
            if GIVEN in map(str, above):
                continue  # keys that a task gives to all of them (model/given/classification.yaml)
            if any(file_of(f"{group}/{name}.yaml").exists() for name in above):
                continue  # an option's values for one task or data set (model/unet/digits.yaml): no option
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.lstrip("# ").rstrip() for line in text.splitlines() if line.startswith("#")]
            lines = [line for line in lines if not line.startswith(NO_DESCRIPTION)] + ["", ""]
            found[name] = Option(name, lines[0], lines[1], path)
    return [found[name] for name in sorted(found)]


def fits(path: Path, task: str) -> bool:
    """Whether an option is for that task, as its file claims; without such a line it is for every task.

    `# Tasks: clip, vlm` names those that it fits, `# Tasks: all but vlm` those that it does not.
    """
    claimed = tasks_of(path)
    named = claimed.removeprefix(ALL_BUT).replace(",", " ").split()
    return not claimed or (task in named) != claimed.startswith(ALL_BUT)


def tasks_of(path: Path) -> str:
    """What an option's file claims of tasks: `clip, vlm`, `all but vlm`; empty for every task."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line.removeprefix(TASKS).strip() for line in lines if line.startswith(TASKS)), "")
