"""Rewrites tables of README.md and docs/ that follow from the code: methods × tasks, forget sets, metrics.

Run: .venv/bin/python scripts/readme_tables.py
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.config.catalogue import options
from unlearn_cli.evaluation.meaning import MEANINGS, arrow

ROOT = Path(__file__).parents[1]


def main() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        page.write_text(filled(page.read_text()))


def filled(text: str) -> str:
    """A page with every `<!-- table: name -->` section made anew."""
    for name, lines in (("methods", methods()), ("forget", chosen("forget")), ("metrics", metrics())):
        marks = f"<!-- table: {name} -->", f"<!-- end: {name} -->"
        body = "\n".join((marks[0], *lines, marks[1]))
        text = re.sub(f"{marks[0]}.*{marks[1]}", lambda _, body=body: body, text, flags=re.DOTALL)
    return text


def methods() -> list[str]:
    """Every method, and the tasks that can answer what it asks of them."""
    tasks = {option.name: target(option.path, "task") for option in options("task")}
    lines = [f"| method | what it does | {' | '.join(tasks)} |", f"|---|---|{':-:|' * len(tasks)}"]
    for option in options("method"):
        needs = target(option.path).needs
        fits = ("✓" if all(hasattr(task, verb) for verb in needs) else "" for task in tasks.values())
        lines.append(f"| `{option.name}` | {option.description} | {' | '.join(fits)} |")
    return lines


def chosen(group: str) -> list[str]:
    lines = [f"| `{group}=` | what it is | for example |", "|---|---|---|"]
    return lines + [f"| `{o.name}` | {o.description} | `{o.command}` |" for o in options(group)]


def metrics() -> list[str]:
    lines = ["| metric | unit | better | meaning |", "|---|---|:-:|---|"]
    return lines + [f"| {m.name} | {m.unit} | {arrow(m.better)} | {m.text} |" for m in MEANINGS.values()]


def target(path: Path, group: str = "") -> Any:
    """The class that a YAML file names; a task's file may choose options of other groups, too."""
    node = yaml.safe_load(path.read_text())
    module, _, name = node.get(group, node)["_target_"].rpartition(".")
    return getattr(import_module(module), name)


if __name__ == "__main__":
    main()
