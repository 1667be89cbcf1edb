"""What an earlier version of this program has left: its classes had other names, or other fields."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.config.classes import is_own
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.sealed import read_sealed


def version_of(folder: Path) -> str:
    """Which version made a run folder: `0.1.0, commit 5c2ae01`; `unknown` where it does not say."""
    file = folder / "environment.json"
    try:
        made_with = read_sealed(file)
        version, commit = made_with["packages"]["unlearn-cli"], made_with["commit"]
    except (OSError, Damaged, KeyError, TypeError):  # it says it in no way that is known here
        return "unknown"
    return ", ".join([str(version), *([f"commit {str(commit)[:7]}"] if commit else [])])


def same_but_for_moves(facts: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Whether facts differ in nothing but the modules in which the package's classes stand."""
    return _without_modules(facts) == _without_modules(json.loads(json.dumps(others)))


def _without_modules(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _without_modules(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_without_modules(value) for value in node]
    return node.rpartition(".")[2] if isinstance(node, str) and is_own(node) else node
