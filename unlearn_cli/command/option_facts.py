"""What help says of an option before its keys: paper, tasks, its composition, an example."""

import re
from collections.abc import Iterator
from pathlib import Path

from unlearn_cli.command.chosen import Chosen
from unlearn_cli.config.catalogue import conf_folder, docs_folder, fits, options
from unlearn_cli.config.option_file import chosen_along, notes

PAGES = {
    "method": "methods/{}.md",
    "task": "families/{}.md",
    "data": "reference/data.md",
    "model": "reference/models.md",
    "forget": "reference/forget-sets.md",
    "lower": "reference/lower.md",
    "mask": "reference/masks.md",
    "surgery": "reference/surgery.md",
    "lora": "reference/lora.md",
    "train": "reference/train.md",
    "optim": "reference/train.md",
    "sampler": "reference/samplers.md",
    "eval": "reference/evaluations.md",
    "attack": "reference/attacks.md",
    "membership": "reference/membership.md",
    "metric": "extend/metric.md",
    "tracking": "reference/tracking.md",
    "experiment": "reference/experiments.md",
    "hydra/launcher": "reference/launchers.md",
}
"""In docs/, what tells more of a group's options."""
PAPER = re.compile(r"^\*\*Paper\.\*\* (.+)$", re.MULTILINE)
SETTING = ("task", "data", "model", "forget", "method")


def facts(one: Chosen) -> Iterator[tuple[str, str]]:
    tasks = [task.name for task in options("task") if fits(one.option.path, task.name)]
    choices = one.default.hydra.runtime.choices
    document = docs_folder() / PAGES[one.group].format(one.option.name)
    if one.group == "method" and document.is_file() and (told := PAPER.search(document.read_text("utf-8"))):
        yield "Paper", told[1].replace("`", "")
    if one.group != "task":
        yield "Tasks", ", ".join(tasks) + ("" if choices.task in tasks else f"; not task={choices.task}")
    if along := chosen_along(one.option.path):
        yield "Brings", " ".join(along)
    yield "Here", " ".join(f"{group}={choices[group]}" for group in SETTING if group != one.group)
    if one.group == "method" and (recipe := conf_folder() / f"recipe/{choices.recipe}.yaml").is_file():
        yield "", f"with the values of conf/recipe/{choices.recipe}.yaml. {notes(recipe)}"
    if one.option.command:
        yield "Example", one.option.command
    if document.is_file():
        yield "More", near(document)


def near(file: Path) -> str:
    """A path as one would open it from here."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
