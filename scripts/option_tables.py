"""Options, their keys and their values as lines of Markdown."""

from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.command.help import fits
from unlearn_cli.config.catalogue import Option, conf_folder, options
from unlearn_cli.config.describe import MANDATORY, Key, comments_of, keys, shown, values_of
from unlearn_cli.config.settings import Settings, kind_of
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.sweep.settings import Here, Processes, Slurm
from unlearn_cli.training.optim import Recipe

CONF = conf_folder()
UNNAMED = {"optim": Recipe, "train": Recipe, "sampler": Sampler}
"""Groups whose files name no class."""
LAUNCHERS = {"local": Here, "processes": Processes, "slurm": Slurm}
RECIPE = tuple(Recipe.model_fields)
OVERRIDE = "override /"


def group_table(group: str) -> list[str]:
    lines = [f"| `{group}=` | what it is | for example |", "|---|---|---|"]
    return lines + [f"| `{o.name}` | {cell(o.description)} | `{cell(o.command)}` |" for o in options(group)]


def sections(group: str) -> list[str]:
    """A group's options with their keys; options of one class together."""
    alike: dict[Any, list[Option]] = {}
    for option in options(group):
        alike.setdefault(kind(option) or option.name, []).append(option)
    lines: list[str] = []
    for of, found in alike.items():
        lines += [f"## {', '.join(f'`{option.name}`' for option in found)}", ""]
        for option in found:
            if told := notes(option):
                lines += [f"{f'`{option.name}`: ' if len(found) > 1 else ''}{told}", ""]
        lines += [*(key_table(found) if not isinstance(of, str) else chosen_by(found[0])), ""]
        if given := [line for option in found for line in elsewhere(option)]:
            lines += [*given, ""]
    return lines


def key_table(found: list[Option]) -> list[str]:
    """The keys of options of one class; after the table the values in which these differ."""
    if len(found) == 1 and group_of(found[0]) not in UNNAMED:
        return training_apart(found[0])
    each = [{key.name: key for key in folded(option_keys(option))} for option in found]
    rows, differing = [], []
    for name in dict.fromkeys(name for one in each for name in one):
        same = [one[name] for one in each if name in one]
        if alike := len({key.default for key in same}) == 1:
            rows.append(same[0])
        else:
            rows.append(Key(name, same[0].kind, same[0].limits, "", same[0].description))
        differing += [] if alike else [name]
    told = [
        f"- `{option.name}`: "
        + ", ".join(f"{name} `{cell(one[name].default)}`" for name in differing if name in one)
        for option, one in zip(found, each, strict=True)
        if differing
    ]
    return [*rows_of(rows), *([""] if told else []), *told]


def method_keys(choice: str) -> list[str]:
    """For which tasks a method is, its keys, and what it brings along."""
    option = one_of(choice)
    tasks = ", ".join(f"`{one.name}`" for one in options("task") if fits(option.path, one.name))
    tuned = " Defaults where no recipe of those below holds." if recipes(option) else ""
    lines = [f"For `task=` {tasks}.{tuned}", "", *training_apart(option)]
    return [*lines, "", *brings(option)] if brings(option) else lines


def training_apart(option: Option) -> list[str]:
    """An option's own keys in a table, its training recipe in a line."""
    every = option_keys(option)
    lines = rows_of([key for key in folded(every) if key.name not in RECIPE])
    if given := ", ".join(f"{k.name} `{cell(k.default)}`" for k in every if k.name in RECIPE and worth(k)):
        lines += ["", f"Its training, [keys of every recipe](../reference/train.md): {given}."]
    return lines


def worth(key: Key) -> bool:
    """Whether a recipe's value says anything: not the keys of other optimisers and schedules."""
    name = key.name.rpartition(".")[2]
    return key.default not in ("null", "[]") and name != "decay" and (name, key.default) != ("momentum", "0")


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


def method_values(choice: str) -> list[str]:
    """Where a method's values come from: its own file, and the recipes by task and data."""
    option = one_of(choice)
    lines = [f"- `conf/method/{option.name}.yaml`: {cell(said_values(option) or 'it has none to tune.')}"]
    for recipe in recipes(option):
        where = recipe.relative_to(CONF).as_posix()
        one = Option(option.name, "", "", recipe)
        given = ", ".join(f"{name} `{cell(value)}`" for name, value in leaves(written(recipe)))
        told = cell(said_values(one)).rstrip(".")
        lines.append(f"- `conf/{where}`: {told}. Sets {given}.")
    return lines


def recipes(option: Option) -> list[Path]:
    """The files of a method's values by task and data."""
    return sorted((CONF / "recipe").rglob(f"{option.name}.yaml"))


def elsewhere(option: Option) -> list[str]:
    """An option's values for one task or data set, which stand in a folder beside it."""
    lines = []
    for path in sorted(option.path.with_suffix("").rglob("*.yaml")):
        one = Option(option.name, "", "", path)
        given = ", ".join(f"{name} `{cell(value)}`" for name, value in leaves(written(path)))
        where = path.relative_to(option.path.with_suffix("")).with_suffix("").as_posix()
        lines.append(f"- `{option.name}` with {where}: {given}. {notes(one)}".rstrip())
    return lines


def chosen_by(option: Option) -> list[str]:
    """What an option without a class of its own chooses and sets, and a paper's numbers."""
    lines = [line.replace("It brings", "It chooses").replace(" along", "") for line in brings(option)]
    values = written(option.path)
    expected = values.pop("expected", None) or []
    if given := ", ".join(f"{name} `{cell(value)}`" for name, value in leaves(values)):
        lines += ["", f"Sets {given}."]
    for one in [expected] if isinstance(expected, dict) else expected:
        names = list(dict.fromkeys(name for row in one["values"].values() for name in row))
        lines += ["", f"Numbers: {cell(one['source'])}.", "", f"| method | {' | '.join(names)} |"]
        lines.append(f"|---|{'---:|' * len(names)}")
        for method, row in one["values"].items():
            cells = [_number(*row[name]) if name in row else "" for name in names]
            lines.append(f"| `{method}` | {' | '.join(cells)} |")
    return lines


def _number(mean: float, deviation: float | None) -> str:
    return f"{mean:g}" if deviation is None else f"{mean:g} ± {deviation:g}"


def rows_of(rows: list[Key]) -> list[str]:
    if not rows:
        return ["No keys of its own."]
    lines = ["| key | type | range | default | what it does |", "|---|---|---|---|---|"]
    for key in rows:
        default = f"`{cell(key.default)}`" if key.default else "below"
        lines.append(
            f"| `{key.name}` | {cell(key.kind)} | {key.limits} | {default} | {cell(key.description)} |"
        )
    return lines


def folded(rows: list[Key]) -> list[Key]:
    """The rows with a recipe inside another key (`relearning.recipe.lr`, …) as one."""
    inside = [key.name.rpartition(".")[0] for key in rows if key.name.endswith(".milestones")]
    found: dict[str, Key] = {}
    for key in rows:
        above, _, name = key.name.rpartition(".")
        if above not in inside or name not in RECIPE:
            found[key.name] = key
        elif worth(key):
            before = found[f"{above}.*"].default + ", " if f"{above}.*" in found else ""
            given = f"{before}{name}: {key.default}"
            found[f"{above}.*"] = Key(f"{above}.*", "a training recipe", "", given, "see train.md")
    return list(found.values())


def option_keys(option: Option) -> list[Key]:
    of, values = kind(option), values_of(option.path)
    said = comments_of(option.path)
    if group_of(option) == "task" and "task" in values:  # it chooses options of other groups, too
        values = values["task"]
        said = {name.removeprefix("task."): text for name, text in said.items()}
    found = keys(of, values, said) if of else []
    return [key for key in found if key.default != MANDATORY] if group_of(option) == "optim" else found


def kind(option: Option) -> type[Settings] | None:
    """An option's settings class; None for one that only chooses and sets others (experiments)."""
    group, values = group_of(option), values_of(option.path)
    if group == "hydra":
        return LAUNCHERS.get(option.name)
    target = (values.get("task", values) if group == "task" else values).get("_target_")
    return UNNAMED.get(group) or (kind_of(target, group) if target else None)


def group_of(option: Option) -> str:
    return option.path.relative_to(CONF).parts[0]


def one_of(choice: str) -> Option:
    group, _, name = choice.partition("=")
    return next(option for option in options(group) if option.name == name)


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
    return cell(" ".join(found[2:]))


def said_values(option: Option) -> str:
    """A YAML file's line `# Values: …`."""
    told = notes(option)
    return told.partition("Values: ")[2] if "Values: " in told else told


def leaves(values: Any, prefix: str = "") -> list[tuple[str, str]]:
    """The values of a tree by their dotted keys, as they are typed."""
    if isinstance(values, dict) and values:
        return [
            leaf for name, value in values.items() for leaf in leaves(value, f"{prefix}.{name}".lstrip("."))
        ]
    return [] if not prefix or prefix.endswith("_target_") else [(prefix, shown(values))]


def cell(text: str) -> str:
    """Text for a table's cell."""
    return text.replace("\\|", "|").replace("|", "\\|").replace("\n", " ")
