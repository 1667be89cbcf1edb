"""What an earlier version of this program has left: its classes had other names, or other fields."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.config.classes import is_own
from unlearn_cli.storage.files import read_json


def version_of(folder: Path) -> str:
    """Which version made a run folder: `0.1.0, commit 5c2ae01`; `unknown` where it does not say."""
    file = folder / "environment.json"
    made_with: dict[str, Any] = read_json(file) if file.exists() else {}
    version, commit = made_with.get("packages", {}).get("unlearn-cli"), made_with.get("commit")
    known = [version, f"commit {commit[:7]}" if commit else None]
    return ", ".join(filter(None, known)) or "unknown"


def same_but_for_moves(facts: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether facts differ in nothing but the modules in which the package's classes stand."""
    return _without_modules(facts) == _without_modules(json.loads(json.dumps(others)))


def _without_modules(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_modules(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_modules(value) for value in node]
    return node.rpartition(".")[2] if isinstance(node, str) and is_own(node) else node
