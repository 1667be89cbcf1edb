"""What an option's YAML file says: its class, its keys, its values, the notes above them."""

from pathlib import Path
from typing import Any

import yaml

from scripts.markdown_text import plain
from unlearn_cli.config.catalogue import Option, conf_folder, options
from unlearn_cli.config.describe import MANDATORY, Key, as_typed, comments_of, keys, values_of
from unlearn_cli.config.settings import Settings, kind_of
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.sweep.settings import Here, Processes, Slurm
from unlearn_cli.training.optim import Recipe

CONF = conf_folder()
UNNAMED = {"optim": Recipe, "train": Recipe, "sampler": Sampler}
"""Groups whose files name no class."""
LAUNCHERS = {"local": Here, "processes": Processes, "slurm": Slurm}
OVERRIDE = "override /"


def one_of(choice: str) -> Option:
    group, _, name = choice.partition("=")
    return next(option for option in options(group) if option.name == name)


def kind(option: Option) -> type[Settings] | None:
    """An option's settings class; None for one that only chooses and sets others (experiments)."""
    group, values = group_of(option), values_of(option.path)
    if group == "hydra":
        return LAUNCHERS.get(option.name)
    target = (values.get("task", values) if group == "task" else values).get("_target_")
    return UNNAMED.get(group) or (kind_of(target, group) if target else None)


def group_of(option: Option) -> str:
    return option.path.relative_to(CONF).parts[0]


def option_keys(option: Option) -> list[Key]:
    of, values = kind(option), values_of(option.path)
    said = comments_of(option.path)
    if group_of(option) == "task" and "task" in values:  # it chooses options of other groups, too
        values = values["task"]
        said = {name.removeprefix("task."): text for name, text in said.items()}
    found = keys(of, values, said) if of else []
    return [key for key in found if key.default != MANDATORY] if group_of(option) == "optim" else found


def written(path: Path) -> dict[str, Any]:
    """A YAML file's own values."""
    node = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {name: value for name, value in node.items() if name != "defaults"}


def notes(option: Option) -> str:
    """What a YAML file says after its command and description."""
    found = []
    for line in option.path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith(("# @package", "# Tasks:", "# Brings:")):
            found.append(line.lstrip("# ").rstrip())
    return plain(" ".join(found[2:]))


def said_values(option: Option) -> str:
    """A YAML file's line `# Values: …`."""
    told = notes(option)
    return told.partition("Values: ")[2] if "Values: " in told else told


def recipes(option: Option) -> list[Path]:
    """The files of a method's values by task and data."""
    return sorted((CONF / "recipe").rglob(f"{option.name}.yaml"))


def brings(option: Option) -> list[str]:
    """The options of other groups that it chooses along."""
    entries = yaml.safe_load(option.path.read_text(encoding="utf-8")).get("defaults", [])
    found = [
        f"`{name.removeprefix(OVERRIDE).partition('@')[0]}={choice}`"
        for entry in entries
        if isinstance(entry, dict)
        for name, choice in entry.items()
        if name.startswith(OVERRIDE)
    ]
    return [f"It brings {', '.join(found)} along."] if found else []


def leaves(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The values of a tree by their dotted keys, as they are typed."""
    if isinstance(values, dict) and values:
        return [
            leaf for name, value in values.items() for leaf in leaves(value, f"{prefix}.{name}".lstrip("."))
        ]
    return [] if not prefix or prefix.endswith("_target_") else [(prefix, as_typed(values))]
