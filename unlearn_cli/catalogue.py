"""What can be chosen, read from the YAML files' opening lines; imports nothing heavy."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Option:
    """One file of a group: its name, the command and the line that describe it."""

    name: str
    command: str
    description: str
    path: Path


def conf_folder() -> Path:
    """conf/ beside the package in a checkout, inside it in a wheel."""
    package = Path(__file__).parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def groups() -> list[str]:
    """What is chosen by `group=option`. `recipe` follows from the others.

    `optim`, `sampler` and `lower` are chosen for a place (optim@method=…).
    """
    folders = {path.name for path in conf_folder().iterdir() if path.is_dir()}
    return sorted(folders - {"optim", "sampler", "lower", "recipe", "hydra"})


def options(group: str, more: tuple[Path, ...] = ()) -> list[Option]:
    """The options of a group, sorted by name, those of further config folders (`--config-dir`) included."""
    found = {}
    for folder in (conf_folder(), *more):
        for path in sorted((folder / group).rglob("*.yaml")):
            above = path.relative_to(folder / group).parents[:-1]
            if any((folder / group / name).with_suffix(".yaml").exists() for name in above):
                continue  # an option's values for one task or data set (model/unet/digits.yaml): no option
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line.lstrip("# ").rstrip() for line in text.splitlines() if line.startswith("#")]
            lines = [line for line in lines if not line.startswith("@package")] + ["", ""]
            found[name] = Option(name, lines[0], lines[1], path)
    return [found[name] for name in sorted(found)]
