"""Nested mappings as flat ones."""

from collections.abc import Iterator, Mapping
from typing import Any


def flat(node: Mapping[str, Any], separator: str, above: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by the names on the way to them, for example `method.lr`."""
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from flat(value, separator, f"{above}{name}{separator}")
        else:
            yield f"{above}{name}", value
