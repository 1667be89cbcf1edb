"""Options, their keys and their values as lines of Markdown."""

from typing import Any

from scripts.markdown_text import cell, piped, plain
from scripts.option_files import (
    CONF,
    brings,
    group_of,
    kind,
    leaves,
    notes,
    one_of,
    option_keys,
    recipes,
    said_values,
)
from unlearn_cli.command.option_class import UNNAMED
from unlearn_cli.config.catalogue import Option, fits, options
from unlearn_cli.config.describe import Key
from unlearn_cli.config.option_file import written
from unlearn_cli.training.optim import Recipe

RECIPE = tuple(Recipe.model_fields)


def group_table(group: str) -> list[str]:
    lines = [f"| `{group}=` | what it is | for example |", "|---|---|---|"]
    return lines + [f"| `{o.name}` | {cell(o.description)} | `{piped(o.command)}` |" for o in options(group)]


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
        + ", ".join(f"{name} `{one[name].default}`" for name in differing if name in one)
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
    """An option's own keys in a table, its training recipe, if it has one, in a line."""
    every, of = option_keys(option), kind(option)
    if not (of and issubclass(of, Recipe)):
        return rows_of(folded(every))
    lines = rows_of([key for key in folded(every) if key.name not in RECIPE])
    if given := ", ".join(f"{k.name} `{k.default}`" for k in every if k.name in RECIPE and worth(k)):
        lines += ["", f"Its training, [keys of every recipe](../reference/train.md): {given}."]
    return lines


def worth(key: Key) -> bool:
    """Whether a recipe's value says anything: not the keys of other optimisers and schedules."""
    name = key.name.rpartition(".")[2]
    idle = {("momentum", "0"), ("warmup_epochs", "0")}
    return (
        key.default not in ("null", "[]")
        and name not in ("decay", "warmup_lr")
        and (name, key.default) not in idle
    )


def method_values(choice: str) -> list[str]:
    """Where a method's values come from: its own file, and the recipes by task and data."""
    option = one_of(choice)
    lines = [f"- `conf/method/{option.name}.yaml`: {said_values(option) or 'it has none to tune.'}"]
    for recipe in recipes(option):
        where = recipe.relative_to(CONF).as_posix()
        one = Option(option.name, "", "", recipe)
        given = ", ".join(f"{name} `{value}`" for name, value in leaves(written(recipe)))
        told = said_values(one).rstrip(".")
        lines.append(f"- `conf/{where}`: {told}. Sets {given}.")
    return lines


def elsewhere(option: Option) -> list[str]:
    """An option's values for one task or data set, which stand in a folder beside it."""
    lines = []
    for path in sorted(option.path.with_suffix("").rglob("*.yaml")):
        one = Option(option.name, "", "", path)
        given = ", ".join(f"{name} `{value}`" for name, value in leaves(written(path)))
        where = path.relative_to(option.path.with_suffix("")).with_suffix("").as_posix()
        lines.append(f"- `{option.name}` with {where}: {given}. {notes(one)}".rstrip())
    return lines


def chosen_by(option: Option) -> list[str]:
    """What an option without a class of its own chooses and sets, and a paper's numbers."""
    lines = [line.replace("It brings", "It chooses").replace(" along", "") for line in brings(option)]
    values = written(option.path)
    expected = values.pop("expected", None) or []
    if given := ", ".join(f"{name} `{value}`" for name, value in leaves(values)):
        lines += ["", f"Sets {given}."]
    for one in [expected] if isinstance(expected, dict) else expected:
        names = list(dict.fromkeys(name for row in one["values"].values() for name in row))
        lines += ["", f"Numbers: {plain(one['source'])}.", "", f"| method | {' | '.join(names)} |"]
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
        default = f"`{piped(key.default)}`" if key.default else "below"
        lines.append(
            f"| `{key.name}` | {piped(key.kind)} | {key.limits} | {default} | {cell(key.description)} |"
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
            found[f"{above}.*"] = Key(
                f"{above}.*", "a training recipe", "", given, "keys of every recipe: `train=`"
            )
    return list(found.values())
