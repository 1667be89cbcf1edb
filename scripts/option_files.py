"""What an option's YAML file says: its class, its keys, its values, the notes above them."""

from pathlib import Path
from typing import Any

from scripts.markdown_text import plain
from unlearn_cli.command.option_class import settings_class
from unlearn_cli.config import option_file
from unlearn_cli.config.catalogue import Option, conf_folder, options
from unlearn_cli.config.describe import MANDATORY, Key, comments_of, keys, values_of
from unlearn_cli.config.option_file import chosen_along
from unlearn_cli.config.settings import Settings
from unlearn_cli.config.spelling import as_typed

CONF = conf_folder()


def one_of(choice: str) -> Option:
    group, _, name = choice.partition("=")
    return next(option for option in options(group) if option.name == name)


def kind(option: Option) -> type[Settings] | None:
    """An option's settings class; None for one that only chooses and sets others (experiments)."""
    group, values = group_of(option), values_of(option.path)
    return settings_class(group, values.get("task", values) if group == "task" else values)


def group_of(option: Option) -> str:
    """`hydra/launcher` for conf/hydra/launcher/slurm.yaml, the first folder for any other."""
    first, second, *_ = option.path.relative_to(CONF).parts
    return f"{first}/{second}" if first == "hydra" else first


def option_keys(option: Option) -> list[Key]:
    """Without those that config.yaml sets for all options of a group: a seed."""
    of, values = kind(option), values_of(option.path)
    said = comments_of(option.path)
    if group_of(option) == "task" and "task" in values:  # it chooses options of other groups, too
        values = values["task"]
        said = {name.removeprefix("task."): text for name, text in said.items()}
    others = values_of(CONF / "config.yaml").get(group_of(option)) or {}
    found = (
        [key for key in keys(of, values, said) if key.name in values or key.name not in others] if of else []
    )
    return [key for key in found if key.default != MANDATORY] if group_of(option) == "optim" else found


def notes(option: Option) -> str:
    """What a YAML file says after its command and description."""
    return plain(option_file.notes(option.path))


def said_values(option: Option) -> str:
    """A YAML file's line `# Values: …`."""
    told = notes(option)
    return told.partition("Values: ")[2] if "Values: " in told else told


def recipes(option: Option) -> list[Path]:
    """The files of a method's values by task and data."""
    return sorted((CONF / "recipe").rglob(f"{option.name}.yaml"))


def brings(option: Option) -> list[str]:
    """The options of other groups that it chooses along."""
    found = [f"`{choice}`" for choice in chosen_along(option.path)]
    return [f"It brings {', '.join(found)} along."] if found else []


def leaves(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The values of a tree by their dotted keys, as they are typed."""
    if isinstance(values, dict) and values:
        return [
            leaf for name, value in values.items() for leaf in leaves(value, f"{prefix}.{name}".lstrip("."))
        ]
    return [] if not prefix or prefix.endswith("_target_") else [(prefix, as_typed(values))]
