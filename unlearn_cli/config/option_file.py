"""What an option's YAML file says beside its values: notes, own values, what it chooses along."""

from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.config.catalogue import BRINGS, NO_DESCRIPTION, TASKS

OVERRIDE = "override /"


def notes(path: Path) -> str:
    """The comment above a file's values, after its command and description."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith((BRINGS, TASKS)) and not line.lstrip("# ").startswith(NO_DESCRIPTION):
            lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines[2:])


def written(path: Path) -> dict[str, Any]:
    """A file's own values."""
    node = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return {name: value for name, value in node.items() if name != "defaults"}


def chosen_along(path: Path) -> list[str]:
    """The options of other groups that a file chooses, `mask=saliency`."""
    node = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    return [
        f"{name.removeprefix(OVERRIDE).partition('@')[0]}={choice}"
        for entry in node.get("defaults", [])
        if isinstance(entry, dict)
        for name, choice in entry.items()
        if name.startswith(OVERRIDE)
    ]
